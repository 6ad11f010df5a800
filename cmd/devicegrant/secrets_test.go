package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/devicegrant/devicegrant/suites/report"
)

// secretsSeen notes each secret that passes between the program and a server.
type secretsSeen struct {
	mu    sync.Mutex
	kind  map[string]string // by value
	order []string          // as they came
	fixed []string          // are repeated in every answer
}

func (s *secretsSeen) add(kind, value string) {
	// Shorter ones are no secrets, and stand in other texts by chance.
	if len(value) >= 12 {
		s.mu.Lock()
		if s.kind[value] == "" {
			s.order = append(s.order, value)
		}
		s.kind[value] = kind
		s.mu.Unlock()
	}
}

func (s *secretsSeen) request(r *http.Request, body []byte) {
	if form, err := url.ParseQuery(string(body)); err == nil {
		for _, name := range []string{"client_secret", "password"} {
			s.add(name, form.Get(name))
		}
	}
	if user, password, ok := r.BasicAuth(); ok {
		s.add("Authorization header", base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
}

func (s *secretsSeen) response(r *http.Response) error {
	for _, c := range r.Cookies() {
		s.add("cookie "+c.Name, c.Value)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var members map[string]any
	if json.Unmarshal(body, &members) == nil {
		for _, name := range []string{"device_code", "access_token", "refresh_token", "id_token"} {
			if value, ok := members[name].(string); ok {
				s.add(name, value)
			}
		}
	}
	body = s.echo(r.Header, body)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

// echo makes an answer say everything that was heard lately, in every form, in
// headers, in JSON and in pages.
func (s *secretsSeen) echo(h http.Header, body []byte) []byte {
	s.mu.Lock()
	heard := slices.Clone(s.order[max(0, len(s.order)-6):])
	heard = append(heard, s.fixed...)
	s.mu.Unlock()
	var all []string
	for i, value := range heard {
		for name, form := range secretForms {
			said := form(value)
			all = append(all, said)
			if i < 2 && !strings.ContainsAny(said, "\r\n") {
				h.Add("X-Echo-"+name, said)
			}
		}
	}
	switch text := string(body); {
	case strings.HasPrefix(text, "{"):
		list, _ := json.Marshal(all) // strings always marshal
		inner, _ := json.Marshal(map[string]any{"inner": string(list)})
		// The names of members escaped, too.
		escaped := fmt.Sprintf(`"\u0061ccess_token2":%s,"\u0065cho":%s,"nested":%s,`, mustJSON(heard), list, mustJSON(string(inner)))
		return []byte("{" + escaped + text[1:])
	case strings.Contains(text, "</body>"):
		var b strings.Builder
		for _, said := range all {
			fmt.Fprintf(&b, "<p data-echo=\"%s\">%s</p>", html.EscapeString(said), html.EscapeString(said))
		}
		return []byte(strings.Replace(text, "</body>", b.String()+"</body>", 1))
	}
	return body
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// secretForms are what a target can make of a secret that it repeats.
var secretForms = map[string]func(string) string{
	"Plain":   func(s string) string { return s },
	"Percent": url.QueryEscape,
	"Percent-All": func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		return b.String()
	},
	"HTML":       html.EscapeString,
	"Base64":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"Base64-URL": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"Hex":        func(s string) string { return hex.EncodeToString([]byte(s)) },
	"Backwards": func(s string) string {
		b := []byte(s)
		slices.Reverse(b)
		return string(b)
	},
	"Escaped": func(s string) string {
		var b strings.Builder
		for _, c := range s {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		return b.String()
	},
}

// TestNoSecretIsWritten: of all secrets that a run knows or gets, none stands in
// any byte that is written or printed, in any spelling.
func TestNoSecretIsWritten(t *testing.T) {
	notShort(t, "polls at the pace of a server")
	useBinary(t)
	seen := &secretsSeen{kind: map[string]string{}}
	var inside *url.URL
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen.request(r, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(inside); p.Out.Host = p.In.Host }, ModifyResponse: seen.response}).ServeHTTP(w, r)
	}))
	defer proxy.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	inside = &url.URL{Scheme: "http", Host: free.Addr().String()}
	server, err := startProcess("--issuer", proxy.URL, "--listen", inside.Host, "--interval", "1s")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for name, value := range server.Secrets {
		t.Setenv(name, value)
		seen.add(name, value)
		seen.fixed = append(seen.fixed, value)
	}
	// A secret header, shorter than most; and a user name that is a secret.
	const gate, user = "s3c7!", "alice"
	t.Setenv("DEVICEGRANT_GATE", gate)
	t.Setenv("DEVICEGRANT_USER", user)
	seen.kind[gate], seen.kind[user] = "header of the profile", "user name"
	seen.fixed = append(seen.fixed, gate, user)
	secret := []string{"--set", "request.token.headers.X-Gate={env: DEVICEGRANT_GATE}", "--set", "users.first.username={env: DEVICEGRANT_USER}", "--set", "users.wrong.username={env: DEVICEGRANT_USER}"}

	out := t.TempDir()
	t.Setenv("GITHUB_STEP_SUMMARY", filepath.Join(out, "summary.md"))
	printed := ""
	say := func(args ...string) int {
		// What a command before this one made up, this one cannot know.
		seen.mu.Lock()
		seen.order = nil
		seen.mu.Unlock()
		status, stdout, stderr := devicegrant(args...)
		printed += stdout + stderr
		return status
	}
	run := filepath.Join(out, "run")
	line := append([]string{"run", "--verbose", "--browser", "none", "--set", "base_url=" + proxy.URL, "--out", run, "--format", strings.Join(formatNames(), ","), "--write-baseline", filepath.Join(out, "known.yaml"),
		"DA-12", "DA-14", "TOKEN-03", "TOKEN-13", "TOKEN-16", "POLL-17", "ERR-01", "ERR-04", "VERIFY-01"}, secret...)
	if status := say(line...); status != report.ExitConforming {
		t.Fatalf("status %d\n%s", status, printed)
	}
	say(append([]string{"profile", "check", "--browser", "none", "--set", "base_url=" + proxy.URL}, secret...)...)
	say(append([]string{"profile", "try", "--browser", "none", "--set", "base_url=" + proxy.URL}, secret...)...)
	say(append([]string{"load", "--set", "base_url=" + proxy.URL, "--approver", "forms", "--devices", "4", "--duration", "6s", "--drain", "4s", "--out", filepath.Join(out, "load")}, secret...)...)
	say("judge", run, "--out", filepath.Join(out, "again"), "--json")
	say("diff", run, filepath.Join(out, "again"), "--json")
	say("compare", "a="+run, "b="+filepath.Join(out, "again"), "--out", filepath.Join(out, "compare"))
	if err := os.WriteFile(filepath.Join(out, "printed.txt"), []byte(printed), 0o600); err != nil {
		t.Fatal(err)
	}

	kinds := map[string]int{}
	for _, kind := range seen.kind {
		kinds[strings.Fields(kind)[0]]++
	}
	for _, kind := range []string{"device_code", "access_token", "refresh_token", "id_token", "cookie", "Authorization", "client_secret", "password"} {
		if kinds[kind] == 0 {
			t.Errorf("the run met no %s: %v", kind, kinds)
		}
	}
	files := 0
	if err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for value, kind := range seen.kind {
			for name, form := range secretForms {
				spelling := []byte(form(value))
				// JSON writes a backslash twice.
				for _, spelling := range [][]byte{spelling, bytes.ReplaceAll(spelling, []byte(`\`), []byte(`\\`))} {
					if i := bytes.Index(text, spelling); i >= 0 {
						t.Errorf("%s: %s (%s) at byte %d: …%.80q", strings.TrimPrefix(path, out), kind, name, i, text[max(0, i-40):min(len(text), i+40)])
						return nil
					}
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("only %d files were written", files)
	}
	t.Logf("%d secrets in %d forms, looked for in %d files: %v", len(seen.kind), len(secretForms), files, kinds)
}
