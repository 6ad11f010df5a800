package suites

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// TestLostTarget: a target that falls silent, or refuses everything, in the
// middle of a run ends it, and is accused of nothing for what it did not answer.
func TestLostTarget(t *testing.T) {
	for name, ending := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // or nobody notices that the client has gone
			<-r.Context().Done()
		},
		"refuses": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "600"); w.WriteHeader(429) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, _, err := launchBuiltin(1)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Close)
			inside, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			var served atomic.Int64
			through := httputil.NewSingleHostReverseProxy(inside)
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if served.Add(1) > 40 {
					ending(w, r)
					return
				}
				through.ServeHTTP(w, r)
			}))
			t.Cleanup(proxy.Close)
			p, err := profiles.Load("builtin", profiles.Options{Getenv: func(string) string { return "" }, Set: []string{
				"base_url=" + proxy.URL, "discovery=off", "endpoints.device_authorization=" + proxy.URL + "/device_authorization", "endpoints.token=" + proxy.URL + "/token",
				"limits.timeout=1s", "limits.rate=1000",
			}})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			r, err := Run(ctx, Options{Profile: p, Browser: "none"})
			if err != nil {
				t.Fatal(err)
			}
			if r.Lost == "" || r.Interrupted || r.ExitCode != report.ExitUnknown {
				t.Errorf("lost %q, exit %d", r.Lost, r.ExitCode)
			}
			for _, c := range r.Checks {
				if c.Verdict == rules.Fail || c.Verdict == rules.Broken {
					t.Error(failure(c))
				}
			}
			if r.Counts.Inconclusive == 0 {
				t.Errorf("%+v", r.Counts)
			}
		})
	}
}
