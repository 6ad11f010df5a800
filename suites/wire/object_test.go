package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParseObjectKeepsWhatStoodThere(t *testing.T) {
	o, err := ParseObject([]byte("\xef\xbb\xbf" + ` {"a":1,"A":"two","a":[3],"n":null,"t":true,"o":{"a":1}} ` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !o.BOM {
		t.Error("the byte order mark is not reported")
	}
	if d := o.Duplicates(); len(d) != 1 || d[0] != "a" {
		t.Errorf("duplicates %v, want [a]: names differ by case", d)
	}
	for name, kind := range map[string]Kind{"a": Number, "A": String, "n": Null, "t": Bool, "o": AnObject, "x": Absent} {
		if o.Kind(name) != kind {
			t.Errorf("%s is %s, want %s", name, o.Kind(name), kind)
		}
	}
	if n, ok := o.Number("a"); !ok || n != 1 {
		t.Errorf("the first of two members counts, got %v", n)
	}
	if _, ok := o.String("a"); ok {
		t.Error("a number passes for a string")
	}
}

func TestParseObjectRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":          "",
		"blanks":           " \n",
		"HTML":             "<html>",
		"an array":         `[{"a":1}]`,
		"a string":         `"a"`,
		"half an object":   `{"a":1`,
		"two objects":      `{"a":1}{"b":2}`,
		"text after it":    `{"a":1} x`,
		"invalid UTF-8":    "{\"a\":\"\xff\"}",
		"too many members": "{" + strings.Repeat(`"a":1,`, 1001) + `"a":1}`,
	} {
		if _, err := ParseObject([]byte(body)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{`{"a":"b"}`, `{"a":{"a":1},"a":2}`, "\xef\xbb\xbf{}", `{"error":"\ud800"}`, `{"a":1e999}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := ParseObject(body)
		if err != nil {
			return
		}
		if !json.Valid(body) && !o.BOM {
			t.Errorf("%q is no JSON", body)
		}
		for _, m := range o.Members {
			if o.Kind(m.Name) == Absent || !json.Valid(m.Value) {
				t.Errorf("member %q of %q", m.Name, body)
			}
			o.String(m.Name)
			o.Number(m.Name)
			o.Strings(m.Name)
		}
	})
}

func TestExchangeSurvivesJSON(t *testing.T) {
	x := Exchange{N: 3, Label: "poll/1", Method: "POST", URL: "http://a/b", Status: 400, Sent: 1500 * time.Microsecond, Received: 2 * time.Second,
		Request: Message{Body: Bytes("a=b")}, Response: &Message{Header: map[string][]string{"A": {"b"}}, Body: Bytes("\xff\x00 not text")}}
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"sent_ms":1.5`) {
		t.Errorf("no sent_ms in %s", b)
	}
	var back Exchange
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if back.Sent != x.Sent || back.Received != x.Received || string(back.Response.Body) != string(x.Response.Body) || back.Label != x.Label {
		t.Errorf("came back as %+v", back)
	}
}

func TestFormKeepsOrderAndRepetition(t *testing.T) {
	f := Form{{"a", "1"}, {"b", "x y"}}
	g := f.Add("a", "2").Set("b", "&=")
	if got := g.Encode(); got != "a=1&b=%26%3D&a=2" {
		t.Error(got)
	}
	if got := f.Encode(); got != "a=1&b=x+y" {
		t.Errorf("the original changed: %s", got)
	}
	if got := g.Without("a").Encode(); got != "b=%26%3D" {
		t.Error(got)
	}
}

func TestBasicAuthEncodesBeforeJoining(t *testing.T) {
	// RFC 6749 section 2.3.1: form-encoded, then joined, then base64.
	if got, want := BasicAuth("a:b", "c d"), "Basic YSUzQWI6Yytk"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
