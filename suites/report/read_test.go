package report

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/rules"
)

func small() Result {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := Result{
		Schema: Schema, Tool: Tool{Version: "v1"}, Target: Target{Name: "a server", Kind: "real", Profile: "p", ProfileFile: "p.yaml"},
		Started: at, Finished: at.Add(time.Second), DurationMS: 1000,
		Checks: []Check{{ID: "DA-01", Verdict: rules.Pass, Reason: "as it should be"}},
	}
	r.Counts = Count(r.Checks)
	return r
}

func TestRead(t *testing.T) {
	want := small()
	dir := t.TempDir()
	path, err := WriteDir(dir, want)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	zipped := filepath.Join(dir, "old.json.gz")
	if err := os.WriteFile(zipped, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() (Result, error){
		"file":   func() (Result, error) { return Read(path, nil) },
		"folder": func() (Result, error) { return Read(dir, nil) },
		"packed": func() (Result, error) { return Read(zipped, nil) },
		"stdin":  func() (Result, error) { return Read("-", bytes.NewReader(plain)) },
	} {
		if r, err := read(); err != nil || !reflect.DeepEqual(r, want) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	var whole bytes.Buffer
	if err := WriteJSON(&whole, small()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, content, want string }{
		{"empty", "", "it is empty"},
		{"text", "not a result", "invalid character"},
		{"cut", whole.String()[:200], "unexpected EOF"},
		{"two", whole.String() + whole.String(), "extra data follows the result"},
		{"trailing bytes", whole.String() + "}", "extra data follows the result"},
		{"load result", `{"schema":"devicegrant/load/1"}`, `its schema is "devicegrant/load/1", not`},
		{"hostile schema", `{"schema":"\u001b[31m"}`, `its schema is "\x1b[31m", not`},
		{"other shape", `{"schema":"devicegrant/result/1","checks":7}`, "checks"},
		{"broken pack", "\x1f\x8b and nothing", "gzip"},
	} {
		if _, err := Decode(strings.NewReader(c.content)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.json"), nil); err == nil {
		t.Error("a file that is not there can be read")
	}
}

func FuzzDecode(f *testing.F) {
	var whole bytes.Buffer
	if err := WriteJSON(&whole, small()); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add([]byte(`{"schema":"devicegrant/result/1","scenarios":[{"exchanges":null}]}`))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := Decode(bytes.NewReader(content))
		if err != nil {
			return
		}
		// What could be read can be written, and says the same again.
		var out bytes.Buffer
		if err := WriteJSON(&out, r); err != nil {
			t.Fatalf("%+v cannot be written: %v", r, err)
		}
		if _, err := Decode(&out); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
