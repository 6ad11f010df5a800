package loadgen

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
	"github.com/devicegrant/devicegrant/profiles"
)

// TestNoSecretInAQuery: whatever a profile wants in the query, its secret goes
// into the body.
func TestNoSecretInAQuery(t *testing.T) {
	for _, auth := range []profiles.ClientAuth{profiles.AuthPost, profiles.AuthBasic} {
		for _, in := range []string{"", "body", "query"} {
			secret := profiles.NewSecret("s3cr&t")
			p := &profiles.Profile{Name: "x"}
			p.Clients.Public = &profiles.Client{ID: "c", Secret: &secret, Auth: auth, DeviceAuth: auth}
			p.Request.Token.ParamsIn, p.Request.DeviceAuthorization.ParamsIn = in, in
			site, err := NewSite(p, profiles.Endpoints{DeviceAuthorization: "http://127.0.0.1/d", Token: "http://127.0.0.1/t"}, SiteOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range []*transport.Endpoint{site.deviceAuthorization, site.token} {
				for _, closing := range []bool{false, true} {
					line, rest, _ := strings.Cut(string(e.AppendRequest(nil, []byte("code"), closing)), "\r\n")
					if strings.Contains(line, "s3cr") {
						t.Errorf("%s, %q: the secret is in %q", auth, in, line)
					}
					_, body, _ := strings.Cut(rest, "\r\n\r\n")
					if want := auth == profiles.AuthPost; strings.Contains(body, "client_secret=s3cr%26t") != want {
						t.Errorf("%s, %q: body %q", auth, in, body)
					}
					r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(line + "\r\n" + rest)))
					if err != nil {
						t.Fatal(err)
					}
					if got, _ := io.ReadAll(r.Body); string(got) != body {
						t.Errorf("%s, %q: Content-Length is for %q of %q", auth, in, got, body)
					}
				}
			}
		}
	}
}

// TestKeysAreRefused: a load cannot sign for each request, and says so at once.
func TestKeysAreRefused(t *testing.T) {
	p := &profiles.Profile{Name: "x"}
	p.Clients.Public = &profiles.Client{ID: "c", Auth: profiles.AuthPrivateKeyJWT, DeviceAuth: profiles.AuthNone}
	_, err := NewSite(p, profiles.Endpoints{DeviceAuthorization: "http://127.0.0.1/d", Token: "http://127.0.0.1/t"}, SiteOptions{})
	if err == nil || !strings.Contains(err.Error(), "private_key_jwt") {
		t.Errorf("%v", err)
	}
}

// TestBasicNamesTheClientOnce: beside HTTP Basic, client_id stands in the body
// only where the profile says so.
func TestBasicNamesTheClientOnce(t *testing.T) {
	for _, inBody := range []bool{false, true} {
		secret := profiles.NewSecret("s")
		p := &profiles.Profile{Name: "x"}
		p.Clients.Public = &profiles.Client{ID: "c", Secret: &secret, Auth: profiles.AuthBasic, DeviceAuth: profiles.AuthBasic, ClientIDInBody: inBody}
		site, err := NewSite(p, profiles.Endpoints{DeviceAuthorization: "http://127.0.0.1/d", Token: "http://127.0.0.1/t"}, SiteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []*transport.Endpoint{site.deviceAuthorization, site.token} {
			if request := string(e.AppendRequest(nil, []byte("code"), true)); strings.Contains(request, "client_id=c") != inBody || !strings.Contains(request, "Authorization: Basic ") {
				t.Errorf("client_id_in_body %t: %q", inBody, request)
			}
		}
	}
}
