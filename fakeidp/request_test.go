package fakeidp

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestParseForm(t *testing.T) {
	for _, test := range []struct {
		body string
		want *oauthError
	}{
		{"", nil},
		{"a=1&b=2", nil},
		{"&&a=1&", nil},
		{"a", nil},
		{"a=1&a=1", errRepeated},
		{"a=1&a=", errRepeated},
		{"a=1&%61=2", errRepeated},
		{"x_h_1=&x_h_1=", errRepeated},
		{"a=%zz", errEncoding},
		{"a=%FF", errEncoding},
		{"%ED%A0%80=1", errEncoding},
		{"a=1;b=2", nil},
		{manyParams(maxParams), nil},
		{manyParams(maxParams + 1), errTooMany},
	} {
		if _, e := parseForm(test.body); e != test.want {
			t.Errorf("parseForm(%.40q) = %v, want %v", test.body, e, test.want)
		}
	}
	f, _ := parseForm("a=x+y%2Bz&empty=&bare")
	if f.get("a") != "x y+z" || f.get("empty") != "" || f.get("bare") != "" || f.get("absent") != "" {
		t.Errorf("decoded to %q", f)
	}
}

func manyParams(n int) string {
	v := url.Values{}
	for i := range n {
		v.Set("p"+strings.Repeat("x", i), "1")
	}
	return v.Encode()
}

// FuzzParseForm compares with net/url: what we accept, it accepts and reads
// alike.
func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"a=1&b=2", "a=1&a=1", "%61=+&=&", "a=%zz", "a;b=1", "\x00=\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, e := parseForm(body)
		if e != nil || strings.Contains(body, ";") { // net/url refuses semicolons
			return
		}
		want, err := url.ParseQuery(body)
		if err != nil {
			t.Fatalf("%q was accepted, but %v", body, err)
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d parameters, want %d", body, len(got), len(want))
		}
		for _, p := range got {
			if len(want[p.name]) != 1 || want.Get(p.name) != p.value {
				t.Fatalf("%q: %s = %q, want %q", body, p.name, p.value, want[p.name])
			}
		}
	})
}

func TestReadFormBoundsTheBody(t *testing.T) {
	read := func(length int, chunked bool) *oauthError {
		r := httptest.NewRequest("POST", "/token", strings.NewReader("a="+strings.Repeat("x", length-2)))
		r.Header.Set("Content-Type", formType)
		if chunked {
			r.ContentLength = -1
		}
		_, e := readForm(r)
		return e
	}
	for _, chunked := range []bool{false, true} {
		if e := read(maxBody, chunked); e != nil {
			t.Errorf("chunked %v: a body at the limit was refused: %s", chunked, e.body)
		}
		if e := read(maxBody+1, chunked); e != errTooLarge {
			t.Errorf("chunked %v: a body over the limit gave %v", chunked, e)
		}
	}
}
