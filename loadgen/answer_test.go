package loadgen

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"unicode/utf8"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// TestReadAllocatesNothing: the answer to nearly every poll costs no memory.
func TestReadAllocatesNothing(t *testing.T) {
	var p reader
	body := []byte(pendingBody)
	got := testing.AllocsPerRun(200, func() {
		if r := p.read(400, body); r.outcome(kindPoll, 400) != outcomePending {
			t.Errorf("%q", body)
		}
	})
	if got != 0 {
		t.Errorf("%.1f allocations for each answer", got)
	}
}

// lastStrings are the last string of each name in an object.
func lastStrings(t *testing.T, body []byte) map[string]string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil // a number beyond float64
		}
		if s, ok := value.(string); ok {
			texts[name.(string)] = s
		}
	}
	return texts
}

// loneSurrogate may be half of a character: encoding/json puts U+FFFD in its
// place, jsontext refuses it, as RFC 7493 has it.
var loneSurrogate = regexp.MustCompile(`(?i)\\ud[89a-f]`)

// FuzzReply: a body never panics, and says what encoding/json reads in it.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		`{"error":"authorization_pending"}`, `{"access_token":"a\u0062\n","token_type":"Bearer","expires_in":1e3}`,
		`{"device_code":"x","user_code":"y","verification_uri":"http://z","interval":5,"expires_in":600}`,
		`{"error":1,"error":"slow_down","ERROR":"x"}`, `{"error":"a","error":null}`, `{"a":{"error":"b"},"c":[{"error":"d"}]}`,
		` {"interval":-1,"expires_in":1e400} `, `{"error":"x"}{}`, `{"error":"x"} y`, `{"error":"x"`, `{"error":"\ud800"}`, "{\"error\":\"\xff\"}",
		`{"\u0065rror":"x"}`, `{}`, `[]`, `"x"`, `null`, ``, `{"error":"x",}`, "error=slow_down&access_token=%ff", "{\"error\":\"a\tb\"}", "\ufeff{}",
	} {
		f.Add(400, []byte(s))
	}
	// One reader, as a worker has it: what is left of one body must not be in the next.
	var p reader
	form := reader{dialect: &wire.Dialect{Form: true}}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		form.read(status, body)
		r := p.read(status, body)
		for k := range kinds {
			if o := r.outcome(k, status); !o.answered() {
				t.Fatalf("an answer is %s", o)
			}
		}
		if !r.object {
			if r.err != nil || r.accessToken != nil || r.deviceCode != nil || r.interval != -1 || r.expiresIn != -1 {
				t.Fatalf("what is no object says %+v", r)
			}
			trimmed := bytes.TrimLeft(body, " \t\r\n")
			deep := bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > 1000
			if json.Valid(body) && trimmed[0] == '{' && utf8.Valid(body) && !loneSurrogate.Match(body) && !deep {
				t.Fatalf("encoding/json reads an object in %q", body)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("encoding/json reads no object in %q", body)
		}
		texts := lastStrings(t, body)
		if texts == nil {
			return
		}
		for name, got := range map[string][]byte{"error": r.err, "access_token": r.accessToken, "device_code": r.deviceCode} {
			if string(got) != texts[name] {
				t.Fatalf("%s is %q, encoding/json reads %q", name, got, texts[name])
			}
		}
	})
}
