package wire

import (
	"encoding/json"
	"testing"
)

func TestDialect(t *testing.T) {
	dialect := DialectOf("form", map[string]string{"verification_uri": "verification_url", "interval": "wait"},
		map[string]string{"access_denied": "authorization_declined"})
	for _, test := range []struct{ name, body, read, spelled string }{
		{"form", "device_code=a+b&expires_in=900&wait=5&verification_url=https%3A%2F%2Fx",
			`device_code="a b" expires_in=900 verification_uri="https://x" interval=5`, `device_code="a b" expires_in=900 verification_url="https://x" wait="5"`},
		{"form error", "error=authorization_declined&error_description=no\n", `error="access_denied" error_description="no"`, `error="authorization_declined" error_description="no"`},
		{"json", `{"error":"authorization_declined"}`, `error="access_denied"`, `error="authorization_declined"`},
		{"both names", `{"verification_uri":"a","verification_url":"b"}`, `verification_uri="a" verification_url="b"`, `verification_uri="a" verification_url="b"`},
		{"standard", `{"error":"access_denied","interval":5}`, `error="access_denied" interval=5`, `error="access_denied" interval=5`},
		{"text", "no form=at all", "error", "error"},
		{"nothing", "", "error", "error"},
		{"repeated", "error=a&error=b", `error="a" error="b"`, `error="a" error="b"`},
	} {
		x := Exchange{Status: 200, Response: &Message{Body: Bytes(test.body)}, Dialect: dialect}
		o, err := x.Object()
		if got := members(o, err); got != test.read {
			t.Errorf("%s: read %s, want %s", test.name, got, test.read)
		}
		o, err = x.Spelled()
		if got := members(o, err); got != test.spelled {
			t.Errorf("%s: spelled %s, want %s", test.name, got, test.spelled)
		}
		x.Dialect = nil
		_, want := x.Object()
		if _, err := x.Literal(); (err == nil) != (want == nil) {
			t.Errorf("%s: literal: %v, want %v", test.name, err, want)
		}
	}
	if DialectOf("json", nil, map[string]string{}) != nil {
		t.Error("a dialect without a difference")
	}
}

func members(o Object, err error) string {
	if err != nil {
		return "error"
	}
	text := ""
	for i, m := range o.Members {
		if i > 0 {
			text += " "
		}
		text += m.Name + "=" + string(m.Value)
	}
	return text
}

// FuzzDialect: whatever a target sends, what is read of it is an object whose
// values are JSON.
func FuzzDialect(f *testing.F) {
	f.Add([]byte("error=a&expires_in=007&interval=-1"))
	f.Add([]byte(`{"error":"b","c":[1]}`))
	dialect := DialectOf("form", map[string]string{"device_code": "c", "error": "e"}, map[string]string{"slow_down": "b"})
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := Exchange{Response: &Message{Body: body}, Dialect: dialect}.Object()
		if err != nil {
			return
		}
		for _, m := range o.Members {
			if !json.Valid(m.Value) {
				t.Errorf("%q of %q is not JSON", m.Value, m.Name)
			}
		}
		o.String("error")
		o.Number("expires_in")
	})
}

func TestFormHasTheQuery(t *testing.T) {
	x := Exchange{URL: "https://x/token?device_code=a&x=%zz", Request: Message{Body: Bytes("client_id=c&device_code=b")}}
	if form := x.Form(); form.Get("client_id") != "c" || len(form["device_code"]) != 2 || form["device_code"][0] != "b" {
		t.Errorf("%v", form)
	}
}
