package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
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
	"strings"
	"sync"
	"testing"

	"github.com/devicegrant/devicegrant/suites/report"
)

// secretsSeen notes each secret that passes between the program and a server.
type secretsSeen struct {
	mu   sync.Mutex
	kind map[string]string // by value
}

func (s *secretsSeen) add(kind, value string) {
	// Shorter ones are no secrets, and stand in other texts by chance.
	if len(value) >= 12 {
		s.mu.Lock()
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
	r.Body = io.NopCloser(bytes.NewReader(body))
	var members map[string]any
	if json.Unmarshal(body, &members) == nil {
		for _, name := range []string{"device_code", "access_token", "refresh_token", "id_token"} {
			if value, ok := members[name].(string); ok {
				s.add(name, value)
			}
		}
	}
	return nil
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
	server, err := startChild(nil, 0, "--issuer", proxy.URL, "--listen", inside.Host, "--interval", "1s")
	if err != nil {
		t.Fatal(err)
	}
	defer server.stop()
	for name, value := range server.secrets {
		t.Setenv(name, value)
		seen.add(name, value)
	}

	out := t.TempDir()
	t.Setenv("GITHUB_STEP_SUMMARY", filepath.Join(out, "summary.md"))
	printed := ""
	say := func(args ...string) int {
		status, stdout, stderr := devicegrant(args...)
		printed += stdout + stderr
		return status
	}
	run := filepath.Join(out, "run")
	if status := say("run", "--verbose", "--browser", "none", "--set", "base_url="+proxy.URL, "--out", run, "--format", strings.Join(formatNames(), ","), "--write-baseline", filepath.Join(out, "known.yaml"),
		"DA-12", "DA-14", "TOKEN-03", "TOKEN-13", "TOKEN-16", "POLL-17", "ERR-01", "ERR-04"); status != report.ExitConforming {
		t.Fatalf("status %d\n%s", status, printed)
	}
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
			for _, spelling := range []string{value, url.QueryEscape(value), html.EscapeString(value), base64.StdEncoding.EncodeToString([]byte(value))} {
				if i := bytes.Index(text, []byte(spelling)); i >= 0 {
					t.Errorf("%s: %s at byte %d: …%.80q", strings.TrimPrefix(path, out), kind, i, text[max(0, i-40):min(len(text), i+40)])
					return nil
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
	t.Logf("%d secrets in %d files: %v", len(seen.kind), files, kinds)
}
