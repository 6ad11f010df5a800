package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/onboarding"
)

// TestPreflight: each thing that can be wrong is named, with what to do.
func TestPreflight(t *testing.T) {
	t.Parallel()
	server, err := builtin.Start(fakeidp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<h1>\x1b[31mhello" + strings.Repeat("x", 1<<20)))
	}))
	t.Cleanup(html.Close)
	const nowhere = "http://127.0.0.1:1"
	// inQuery takes parameters from the query only, as some servers do.
	inQuery := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte(`{"error":"invalid_request","error_description":"client_id is missing"}`))
			return
		}
		resp, err := http.PostForm(server.URL+"/device_authorization", r.URL.Query())
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, io.LimitReader(resp.Body, 1<<16))
	}))
	t.Cleanup(inQuery.Close)
	here := func(set ...string) []string { return append([]string{"base_url=" + server.URL}, set...) }
	for _, test := range []struct {
		name     string
		set      []string
		env      map[string]string
		step     string
		standing onboarding.Standing
		found    string
		fix      string
	}{
		{"all is well", here(), map[string]string{"DEVICEGRANT_BROWSER": os.Getenv("DEVICEGRANT_BROWSER")}, "device authorization", onboarding.Good, "code ", ""},
		{"nobody listens", []string{"base_url=" + nowhere}, nil, "endpoints", onboarding.Bad, "127.0.0.1:1", ""},
		{"untrusted", []string{"base_url=" + secure.URL}, nil, "endpoints", onboarding.Bad, "certificate", "ca_file"},
		{"a web site", []string{"base_url=" + html.URL, "discovery=off", "endpoints.device_authorization=" + html.URL + "/d", "endpoints.token=" + html.URL + "/t"}, nil,
			"device authorization", onboarding.Bad, "is no JSON object", "endpoints.device_authorization"},
		{"parameters in the query", here("endpoints.device_authorization=" + inQuery.URL), nil,
			"device authorization", onboarding.Bad, `the server says: "client_id is missing"`, "params_in: query"},
		{"another issuer", here("issuer="+server.URL+"/", "discovery="+server.URL+"/.well-known/openid-configuration"), nil, "metadata", onboarding.Caution, "says that the issuer is", "issuer_rule"},
		{"an unknown client", here("clients.public.id=nobody"), nil, "device authorization", onboarding.Bad, "invalid_client", "clients.public.id"},
		{"a client without the grant", here("clients.not_allowed=", "clients.public.id=no-device", "clients.public.secret.env=DEVICEGRANT_CLIENT_SECRET"), nil,
			"device authorization", onboarding.Bad, "unauthorized_client", "allow the device grant"},
		{"a wrong scope", here("scopes.0=nonsense"), nil, "device authorization", onboarding.Bad, "invalid_scope", "scopes"},
		{"no password", here(), map[string]string{"DEVICEGRANT_PASSWORD": "-"}, "users", onboarding.Caution, "DEVICEGRANT_PASSWORD is not set", "export"},
		{"no browser", here("verification.drivers=[browser]"), map[string]string{"DEVICEGRANT_BROWSER": "/nowhere/chrome"}, "browser", onboarding.Bad, "no browser found", "install"},
		{"no browser, but forms", here(), map[string]string{"DEVICEGRANT_BROWSER": "/nowhere/chrome"}, "browser", onboarding.Caution, "no browser found", "forms"},
		{"the page by forms", here(), map[string]string{"DEVICEGRANT_BROWSER": "/nowhere/chrome"}, "page", onboarding.Good, "asks for the code", ""},
		{"no page is known", here("verification.auto=false"), map[string]string{"DEVICEGRANT_BROWSER": "/nowhere/chrome"}, "page", onboarding.Bad, "", "verification.pages"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "all is well" {
				notShort(t, "a browser")
			}
			getenv := func(name string) string {
				if value, ok := test.env[name]; ok {
					return strings.TrimPrefix(value, "-")
				}
				if name == "DEVICEGRANT_BROWSER" {
					return "/nowhere/chrome" // to start one for each mistake takes longer than all else
				}
				return server.Getenv(name)
			}
			p, err := profiles.Load("builtin", profiles.Options{Getenv: getenv, Set: test.set})
			if err != nil {
				t.Fatal(err)
			}
			found := onboarding.Preflight(t.Context(), suites.Options{Profile: p, Getenv: getenv}, "")
			i := slices.IndexFunc(found, func(c onboarding.Precheck) bool { return c.Step == test.step })
			if i < 0 {
				t.Fatalf("no step %q: %+v", test.step, found)
			}
			c := found[i]
			if c.Standing != test.standing || !strings.Contains(c.Found, test.found) || !strings.Contains(c.Fix, test.fix) || c.Standing == onboarding.Bad && c.Fix == "" {
				t.Errorf("%+v", c)
			}
			for _, c := range found {
				if len(c.Found) > 2000 {
					t.Errorf("%s: %d bytes", c.Step, len(c.Found))
				}
			}
		})
	}
}

// TestProfileCheck: the verb, its exit status, and its JSON.
func TestProfileCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	status, stdout, stderr := devicegrant("profile", "check", "--browser", "none", "--out", dir)
	if status != 0 || !strings.Contains(stdout, "ok      poll") || strings.Contains(stdout, "bad ") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	for line := range strings.SplitSeq(stdout, "\n") {
		if len(line) > 80 && !strings.Contains(line, dir) && !strings.Contains(line, "http") {
			t.Errorf("longer than 80: %s", line)
		}
	}
	status, stdout, _ = devicegrant("profile", "check", "builtin", "--set", "base_url=http://127.0.0.1:1", "--json", "--browser", "none", "--out", filepath.Join(dir, "x"))
	var said struct{ Checks []onboarding.Precheck }
	if err := json.Unmarshal([]byte(stdout), &said); err != nil || status != 3 || len(said.Checks) < 5 {
		t.Errorf("status %d, %v\n%s", status, err, stdout)
	}
	if status, _, _ := devicegrant("profile", "check", "no-such-profile"); status != 2 {
		t.Errorf("an unknown profile: status %d", status)
	}
}
