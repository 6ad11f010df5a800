package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// TestProfileInit: with a client and a user, what is written is enough for the
// whole flow, and the verdicts are those of the profile that knows the server.
func TestProfileInit(t *testing.T) {
	notShort(t, "polls at the pace of a server")
	t.Parallel()
	start := func() *builtin.Server {
		server, err := builtin.StartDefault(mutantsClockRate)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		return server
	}
	// Two alike, so that both can run at once.
	server, twin := start(), start()
	file := filepath.Join(t.TempDir(), "new.yaml")
	status, _, stderr := devicegrant("profile", "init", "--issuer", server.URL, "--client-id", "device-public", "--username", "alice", "--out", file)
	if status != 0 || !strings.Contains(stderr, "oauth-authorization-server") || !strings.Contains(stderr, "DEVICEGRANT_PASSWORD") {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	if status, _, stderr := devicegrant("profile", "init", "--issuer", server.URL, "--out", file); status != 2 || !strings.Contains(stderr, "exists") {
		t.Errorf("a file was overwritten: status %d\n%s", status, stderr)
	}
	load := func(profile string, getenv func(string) string, set ...string) *profiles.Profile {
		p, err := profiles.Load(profile, profiles.Options{Getenv: getenv, Set: set})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	verdicts := func(p *profiles.Profile) map[string]rules.Verdict {
		result, err := suites.Run(context.Background(), suites.Options{Profile: p, Browser: "none", ClockRate: mutantsClockRate,
			Select: []string{"DA-01", "RESP-0[1-5]", "META-0[1235]", "VERIFY-01", "VERIFY-03", "TOKEN-09", "TOKEN-10", "POLL-01"}})
		if err != nil {
			t.Error(err)
		}
		list := map[string]rules.Verdict{}
		for _, c := range result.Checks {
			list[c.ID] = c.Verdict
		}
		return list
	}
	own, known := load(file, server.Getenv), load("builtin", twin.Getenv, "base_url="+twin.URL)
	var made, shipped map[string]rules.Verdict
	var other sync.WaitGroup
	other.Go(func() { shipped = verdicts(known) })
	made = verdicts(own)
	other.Wait()
	for id, want := range shipped {
		if made[id] != want {
			t.Errorf("%s: %s, with the shipped profile %s", id, made[id], want)
		}
	}
	if made["VERIFY-01"] != rules.Pass {
		t.Errorf("VERIFY-01: %s", made["VERIFY-01"])
	}
}

// TestProfileInitFindsClientID: init asks both forms of HTTP Basic and writes the
// key that the server needs, and sends no secret to another origin.
func TestProfileInitFindsClientID(t *testing.T) {
	t.Setenv("DEVICEGRANT_CLIENT_SECRET", "s3cret")
	for _, test := range []struct {
		name   string
		accept func(user, id string) bool
		key    bool
		left   string
	}{
		{"either", func(user, _ string) bool { return user == "box" }, false, ""},
		{"named once", func(user, id string) bool { return user == "box" && id == "" }, false, ""},
		{"named twice", func(user, id string) bool { return user == "box" && id == "box" }, true, ""},
		{"refused", func(string, string) bool { return false }, false, "no codes with HTTP Basic"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, secret, _ := r.BasicAuth()
				switch {
				case strings.HasPrefix(r.URL.Path, "/.well-known/"):
					_ = json.NewEncoder(w).Encode(map[string]any{"issuer": server.URL, "token_endpoint": server.URL + "/token", "device_authorization_endpoint": server.URL + "/device"})
				case test.accept(user, r.PostFormValue("client_id")) && secret == "s3cret":
					_ = json.NewEncoder(w).Encode(map[string]any{"device_code": "x", "user_code": "y"})
				default:
					w.WriteHeader(http.StatusUnauthorized)
					_ = json.NewEncoder(w).Encode(map[string]any{"error": "invalid_client"})
				}
			}))
			defer server.Close()
			status, stdout, stderr := devicegrant("profile", "init", "--issuer", server.URL, "--confidential-client-id", "box")
			if status != 0 || !strings.Contains(stderr, test.left) {
				t.Fatalf("status %d\n%s", status, stderr)
			}
			p, err := profiles.Load("new.yaml", profiles.Options{Getenv: os.Getenv, ReadFile: func(string) ([]byte, error) { return []byte(stdout), nil }})
			if err != nil || p.Clients.Confidential == nil || p.Clients.Confidential.ClientIDInBody != test.key || strings.Contains(stdout+stderr, "s3cret") {
				t.Errorf("%v\n%s\n%s", err, stdout, stderr)
			}
		})
	}
	asked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"device_authorization_endpoint": elsewhere.URL, "token_endpoint": elsewhere.URL})
	}))
	defer server.Close()
	if _, _, stderr := devicegrant("profile", "init", "--issuer", server.URL, "--confidential-client-id", "box"); asked || !strings.Contains(stderr, "was not sent") {
		t.Errorf("the secret went to another origin, or nothing says that it did not:\n%s", stderr)
	}
}

// TestProfileInitOfHostileMetadata: whatever a server says of itself, the
// profile is one, and has no more keys than ours.
func TestProfileInitOfHostileMetadata(t *testing.T) {
	for name, hostile := range map[string]string{
		"a line of YAML": "https://x/\nlimits: {rate: 9999}\n#",
		"a variable":     "https://x/${HOME}",
		"an escape":      "\x1b[31mhttps://x/\x00\u202e",
		"quotes":         `https://x/"': [}{`,
		"long":           "https://x/" + strings.Repeat("A", 20_000),
		"nothing":        "",
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				list := []string{hostile, "openid"}
				_ = json.NewEncoder(w).Encode(map[string]any{
					"issuer": hostile, "token_endpoint": hostile, "device_authorization_endpoint": hostile, "jwks_uri": hostile,
					"scopes_supported": list, "grant_types_supported": list, "token_endpoint_auth_methods_supported": list,
				})
			}))
			defer server.Close()
			status, stdout, stderr := devicegrant("profile", "init", "--issuer", server.URL)
			if status != 0 {
				t.Fatalf("status %d\n%s", status, stderr)
			}
			if strings.ContainsAny(stdout+stderr, "\x1b\x00\u202e") {
				t.Errorf("unprintable:\n%q\n%q", stdout, stderr)
			}
			p, err := profiles.Load("new.yaml", profiles.Options{NoSecrets: true, ReadFile: func(string) ([]byte, error) { return []byte(stdout), nil }})
			if err != nil {
				t.Fatal(err)
			}
			if p.Limits.Rate != 50 || p.Issuer != server.URL {
				t.Errorf("rate %v, issuer %s", p.Limits.Rate, p.Issuer)
			}
			if len(stdout)+len(stderr) > 20_000 {
				t.Errorf("%d bytes", len(stdout)+len(stderr))
			}
		})
	}
}

func TestProfileInitRefuses(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "--issuer"},
		{[]string{"--issuer", "idp.example.com"}, 2, "http"},
		{[]string{"--token-endpoint", server.URL + "/token"}, 2, "--device-authorization-endpoint"},
		{[]string{"--issuer", server.URL + "/acme"}, 3, "/.well-known/oauth-authorization-server/acme answered 404"},
		{[]string{"--issuer", server.URL, "--ca-file", "no/such.pem"}, 2, "no/such.pem"},
	} {
		status, stdout, stderr := devicegrant(append([]string{"profile", "init"}, test.args...)...)
		if status != test.status || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("%v: status %d, want %d\n%s%s", test.args, status, test.status, stdout, stderr)
		}
	}
}
