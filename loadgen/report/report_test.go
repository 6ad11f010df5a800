package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	for _, name := range []string{"rich", "minimal"} {
		r := variants()[name]
		var page, suite bytes.Buffer
		if err := HTML(&page, r); err != nil {
			t.Fatal(err)
		}
		if err := JUnit(&suite, r); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".html", page.Bytes())
		golden(t, name+".xml", suite.Bytes())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it anew); %d bytes, want %d", name, len(got), len(want))
	}
}
