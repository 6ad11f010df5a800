package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// devicegrant runs a command line in this process.
func devicegrant(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = execute(context.Background(), args, &out, &err)
	return status, out.String(), err.String()
}

// profileFile writes a profile that points at base and has extra lines.
func profileFile(t *testing.T, base, extra string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.yaml")
	text := fmt.Sprintf(`base_url: %s
endpoints:
  device_authorization: ${base_url}/device_authorization
  token: ${base_url}/token
clients:
  public: {id: device-public}
users:
  first: {username: alice, password: {generate: true}}
tls: {allow_http: true}
limits: {timeout: 30s}
%s`, base, extra)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBadInput: each mistake ends with status 2 and a message that names the
// place and the way out, and nothing is sent.
func TestBadInput(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer server.Close()
	good := profileFile(t, server.URL, "")
	run := func(profile string, more ...string) []string {
		return append([]string{"run", "--out", t.TempDir(), "--browser", "none", "--profile", profile}, more...)
	}
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"unknown key", run(profileFile(t, server.URL, "clinets: {}\n")), []string{"server.yaml:11:1", "clinets", "clients"}},
		{"unknown key, deep", run(profileFile(t, server.URL, "verification:\n  limits: {setp: 3s}\n")), []string{"server.yaml:12:12", "setp", `"step"`}},
		{"wrong type", run(profileFile(t, server.URL, "scopes: {a: b}\n")), []string{"server.yaml:11:", "scopes"}},
		{"missing secret", run(profileFile(t, server.URL, "expiry: {client: {id: c2, secret: {env: DEVICEGRANT_NOT_SET}}}\n")), []string{"server.yaml:11:", "DEVICEGRANT_NOT_SET"}},
		{"secret in the profile", run(profileFile(t, server.URL, "expiry: {client: {id: c2, secret: hunter2}}\n")), []string{"server.yaml:11:", "env"}},
		{"bad YAML", run(profileFile(t, server.URL, "scopes: [a\n")), []string{"server.yaml:"}},
		{"unknown profile", run("bultin"), []string{"bultin", "builtin"}},
		{"no such file", run("no/such.yaml"), []string{"no/such.yaml"}},
		{"bad --set", run(good, "--set", "limits.rat=3"), []string{"limits.rat", "rate"}},
		{"bad selector", run(good, "POL-05"), []string{"POL-05", "POLL-05"}},
		{"bad level", run(good, "--level", "shall"), []string{"shall", "should"}},
		{"bad color", run(good, "--color", "green"), []string{"--color"}},
		{"unknown flag", run(good, "--frobnicate"), []string{"--frobnicate", "--help"}},
		{"unknown verb", []string{"rnu"}, []string{"rnu", "run"}},
		{"unknown verb of profile", []string{"profile", "valdate"}, []string{"valdate", "validate"}},
		{"profile show of nothing", []string{"profile", "show"}, []string{"name of a shipped profile"}},
		{"profile show --source of a file", []string{"profile", "show", "--source", "glewlwid"}, []string{"glewlwid", "glewlwyd"}},
		{"profile validate of nothing", []string{"profile", "validate"}, []string{"name of a shipped profile"}},
		{"profile validate", []string{"profile", "validate", profileFile(t, server.URL, "clinets: {}\n")}, []string{"server.yaml:11:1", "clients", "1 of 1"}},
		{"idp on a port that is taken", []string{"idp", "--listen", strings.TrimPrefix(server.URL, "http://")}, []string{"in use", "--listen", "--control"}},
		{"clock rate of a real server", run(good, "--clock-rate", "5"), []string{"--clock-rate"}},
		{"unknown check in the baseline", run(profileFile(t, server.URL, "baseline: [{check: POLL-99, reason: x}]\n")), []string{"server.yaml:11", "POLL-99"}},
		{"browser that is none", run(good, "--browser", "/no/such/browser"), []string{"/no/such/browser"}},
		{"explain without an id", []string{"explain"}, []string{"POLL-05"}},
		{"explain an unknown id", []string{"explain", "POL-05"}, []string{"POL-05", "POLL-05"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, stdout, stderr := devicegrant(test.args...)
			if status != 2 {
				t.Errorf("status %d, want 2\n%s", status, stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("the message does not name %q:\n%s", want, stderr)
				}
			}
			if stdout != "" {
				t.Errorf("standard output: %s", stdout)
			}
		})
	}
	if n := requests.Load(); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// TestUnreachable: when no conversation is possible the cause is named once,
// and the status is 3.
func TestUnreachable(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	empty := httptest.NewServer(http.NotFoundHandler())
	defer empty.Close()
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<h1>Welcome</h1>")
	}))
	defer html.Close()
	discovered := func(base string) string {
		path := filepath.Join(t.TempDir(), "server.yaml")
		text := fmt.Sprintf("base_url: %s\nissuer: ${base_url}\nclients: {public: {id: c}}\ntls: {allow_http: true}\n", base)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		name, profile, cause string
	}{
		{"nothing listens", profileFile(t, closed.URL, ""), "refused"},
		{"unknown certificate", profileFile(t, secure.URL, ""), "tls.ca_file"},
		{"unknown host", profileFile(t, "http://no-such-host.invalid", ""), "cannot be reached"},
		{"discovery answers 404", discovered(empty.URL), "404"},
		{"discovery answers HTML", discovered(html.URL), "not JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, _, stderr := devicegrant("run", "--out", t.TempDir(), "--browser", "none", "--profile", test.profile)
			if status != 3 {
				t.Errorf("status %d, want 3\n%s", status, stderr)
			}
			if !strings.Contains(stderr, test.cause) || strings.Count(stderr, "devicegrant:") != 1 || strings.Count(stderr, "\n") > 3 {
				t.Errorf("the cause %q is not named once:\n%s", test.cause, stderr)
			}
		})
	}
}

// TestHostileAnswers: what is no device authorization response is reported as
// what it is, and the run ends.
func TestHostileAnswers(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"HTML", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<h1>Welcome</h1>")
		}, "text/html"},
		{"10 MB", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"device_code":"`+strings.Repeat("x", 10<<20)+`"}`)
		}, "not a JSON object"},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, "not a JSON object"},
		{"redirect loop", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		}, "status 307"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			status, stdout, stderr := devicegrant("run", "--out", t.TempDir(), "--browser", "none", "--color", "never",
				"--profile", profileFile(t, server.URL, ""), "DA-01")
			if status != 1 || !strings.Contains(stdout, "fail") || !strings.Contains(stdout, test.want) {
				t.Errorf("status %d\n%s%s", status, stdout, stderr)
			}
			if len(stdout) > 8<<10 {
				t.Errorf("%d bytes were printed", len(stdout))
			}
		})
	}
}
