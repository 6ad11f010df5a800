package loadgen

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
)

// TestHTTP2OnlyIsTold: where a server does not speak HTTP/1.1, nothing is started,
// and the error names the option that helps.
func TestHTTP2OnlyIsTold(t *testing.T) {
	for _, older := range []bool{false, true} {
		asked := 0
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			http.NotFound(w, r)
		}))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetHTTP1(older)
		server.Config.Protocols.SetHTTP2(true)
		server.TLS = &tls.Config{NextProtos: []string{"h2"}}
		if older {
			server.TLS.NextProtos = append(server.TLS.NextProtos, "http/1.1")
		}
		server.StartTLS()
		t.Cleanup(server.Close)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		p := &profiles.Profile{Clients: profiles.Clients{Public: &profiles.Client{ID: "device"}}}
		site, err := NewSite(p, profiles.Endpoints{DeviceAuthorization: server.URL + "/device", Token: server.URL + "/token"}, SiteOptions{TLS: &tls.Config{RootCAs: roots}})
		if err != nil {
			t.Fatal(err)
		}
		if older {
			if err := site.speaksHTTP1(t.Context()); err != nil {
				t.Error(err)
			}
			continue
		}
		_, err = Run(t.Context(), Options{Plan: profiles.Plan{Workload: "steady", Devices: 10}, Site: site})
		var only *HTTP2OnlyError
		if !errors.As(err, &only) || !strings.Contains(err.Error(), "--transport net/http") || asked > 0 {
			t.Errorf("%v, and %d requests", err, asked)
		}
	}
}
