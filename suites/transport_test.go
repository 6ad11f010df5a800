package suites

import (
	"context"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// TestBuiltinOverTLS judges SEC-01, and what else is about https, where there
// is TLS to judge: the reference server on loopback has none by default.
func TestBuiltinOverTLS(t *testing.T) {
	config := fakeidp.DefaultConfig()
	config.TLS = true
	server, err := builtin.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	profile, err := profiles.Load("builtin", profiles.Options{
		Set: []string{"base_url=" + server.URL, "tls.allow_http=false", "tls.ca_file=" + ca, "clients.keyed.id=device-certificate", "clients.keyed.auth=self_signed_tls_client_auth",
			"clients.keyed.key.env=DEVICEGRANT_CERTIFICATE_KEY", "clients.keyed.certificate.env=DEVICEGRANT_CLIENT_CERTIFICATE"},
		Getenv: server.Getenv,
	})
	if err != nil {
		t.Fatal(err)
	}
	result, err := Run(context.Background(), Options{Profile: profile, Browser: "none", Select: []string{"SEC-01", "SEC-14", "RESP-05", "RESP-09", "META-03", "EXT-08"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range result.Checks {
		switch check.ID {
		case "SEC-01", "SEC-14", "RESP-05", "RESP-09", "META-03", "EXT-08":
			if check.Verdict != rules.Pass {
				t.Error(failure(check))
			}
			t.Logf("%s: %s %+v", check.ID, check.Reason, check.Findings)
		}
	}
}

// TestBoundTokens: tokens that are bound to the client's certificate are good where
// it is shown, and are judged like any other.
func TestBoundTokens(t *testing.T) {
	notInCheck(t, "it approves some codes")
	config := fakeidp.DefaultConfig()
	config.TLS, config.ClockRate = true, fastClock
	server, err := builtin.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	profile, err := profiles.Load("builtin", profiles.Options{
		Set: []string{"base_url=" + server.URL, "tls.allow_http=false", "tls.insecure=true", "clients.keyed.key.env=NOT_SET",
			"clients.confidential.id=device-certificate", "clients.confidential.name=", "clients.confidential.auth=self_signed_tls_client_auth",
			"clients.confidential.key.env=DEVICEGRANT_CERTIFICATE_KEY", "clients.confidential.certificate.env=DEVICEGRANT_CLIENT_CERTIFICATE"},
		Getenv: server.Getenv,
	})
	if err != nil {
		t.Fatal(err)
	}
	selected := []string{"DA-11", "TOKEN-05", "TOKEN-09", "TOKEN-11", "TOKEN-15", "TOKEN-16", "TOKEN-17", "EXT-08"}
	result, err := Run(t.Context(), Options{Profile: profile, ClockRate: fastClock, Browser: "none", Select: selected})
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range result.Checks {
		if slices.Contains(selected, check.ID) && check.Verdict != rules.Pass {
			t.Error(failure(check))
		}
		if check.ID == "EXT-08" && !strings.Contains(check.Reason, "bound to the certificate") {
			t.Errorf("EXT-08: %s", check.Reason)
		}
	}
}
