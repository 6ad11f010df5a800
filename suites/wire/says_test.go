package wire

import (
	"net/http"
	"strings"
	"testing"
)

func TestSays(t *testing.T) {
	for _, c := range []struct {
		name, body, want string
		status           int
		header           http.Header
	}{
		{"a description", `{"error":"invalid_client","error_description":"Unknown \u202eclient.\nAsk your admin"}`, `"Unknown \u202eclient. Ask your admin"`, 400, http.Header{"Content-Type": {"application/json"}}},
		{"none", `{"error":"invalid_client"}`, "", 400, http.Header{"Content-Type": {"application/json"}}},
		{"no string", `{"error":"invalid_client","error_description":7}`, "", 400, http.Header{"Content-Type": {"application/json"}}},
		{"codes", `{"device_code":"x"}`, "", 200, http.Header{"Content-Type": {"application/json"}}},
		{"a redirect", "", "Location: https://idp.example/login", 302, http.Header{"Location": {"https://idp.example/login"}}},
		{"a challenge", "", `WWW-Authenticate: Basic realm="x"`, 401, http.Header{"Www-Authenticate": {`Basic realm="x"`}}},
		{"a limit", "", "Retry-After: 30", 429, http.Header{"Retry-After": {"30"}}},
		{"a title", "<html><head><title>Not\n found</title></head><body><h1>404</h1></body>", `"Not found"`, 404, http.Header{"Content-Type": {"text/html"}}},
		{"no title", "<style>p{}</style><script>alert(1)</script><p>Be <b>patient</b></p>", `"Be patient"`, 404, http.Header{"Content-Type": {"text/html; charset=utf-8"}}},
		{"plain text", "Too many requests", `"Too many requests"`, 400, http.Header{"Content-Type": {"text/plain"}}},
		{"bytes", "\x1f\x8b\x00\x00", "Content-Encoding: gzip, which nobody asked for", 200, http.Header{"Content-Encoding": {"gzip"}}},
		{"a long one", strings.Repeat("word ", 100), `"` + strings.TrimSpace(strings.Repeat("word ", 24)) + `…"`, 400, http.Header{"Content-Type": {"text/plain"}}},
		{"broken text", "\xff\xfe", `"` + "\ufffd" + `"`, 400, http.Header{"Content-Type": {"text/plain"}}},
	} {
		x := Exchange{Status: c.status, Response: &Message{Header: c.header, Body: Bytes(c.body)}}
		if got := x.Says(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := (Exchange{}).Says(); got != "" {
		t.Errorf("no answer says %s", got)
	}
}

// TestShorten: what may be a secret is not cut in two.
func TestShorten(t *testing.T) {
	long := strings.Repeat("aB3", 60)
	for _, c := range []struct{ text, want string }{
		{"short", "short"},
		{strings.Repeat("word ", 30), strings.TrimSpace(strings.Repeat("word ", 16)) + "…"},
		{long, long[:8] + "…"},
		{"wrong secret " + long, "wrong secret " + long[:8] + "…"},
		{"Basic aB3/" + long, "Basic aB3/aB3a…"},
		{"https://idp.example/verify/" + long, "https://idp.example/verify/" + long[:8] + "…"},
		{strings.Repeat("x", 60) + " " + long, strings.Repeat("x", 60) + "…"},
	} {
		if got := Shorten(c.text, 80); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

// FuzzSays: a page of any bytes has one short line of words.
func FuzzSays(f *testing.F) {
	f.Add("<title>x", "text/html")
	f.Add("\x00", "text/plain")
	f.Fuzz(func(t *testing.T, body, mediaType string) {
		x := Exchange{Status: 400, Response: &Message{Header: http.Header{"Content-Type": {mediaType}}, Body: Bytes(body)}}
		if got := x.Says(); strings.ContainsAny(got, "\n\r\x1b") || len([]rune(got)) > 12*maxSaid {
			t.Errorf("%q", got)
		}
	})
}
