package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/wire"
)

func TestMetadataURLs(t *testing.T) {
	for issuer, want := range map[string][]string{
		"https://h":         {"https://h/.well-known/oauth-authorization-server", "https://h/.well-known/openid-configuration"},
		"https://h/orgs/x":  {"https://h/.well-known/oauth-authorization-server/orgs/x", "https://h/orgs/x/.well-known/openid-configuration", "https://h/.well-known/openid-configuration/orgs/x"},
		"https://h/orgs/x/": {"https://h/.well-known/oauth-authorization-server/orgs/x", "https://h/orgs/x/.well-known/openid-configuration", "https://h/.well-known/openid-configuration/orgs/x"},
		"":                  nil,
		"no url":            nil,
	} {
		if got := MetadataURLs(issuer); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", issuer, got, want)
		}
	}
}

// TestOwnOrigin: a metadata document does not choose who gets credentials.
func TestOwnOrigin(t *testing.T) {
	c := &conversation{Environment: &Environment{
		Profile: &profiles.Profile{BaseURL: "https://base"},
		Target:  Target{Issuer: "https://issuer/x", Endpoints: profiles.Endpoints{Token: "https://token:8443/t"}},
	}}
	for address, own := range map[string]bool{
		"https://base/d": true, "https://issuer/other": true, "https://token:8443/d": true,
		"http://base/d": false, "https://token/d": false, "https://evil/d": false, "https://base.evil/": false, "::": false, "": false,
	} {
		if c.ownOrigin(address) != own {
			t.Errorf("%s: %t", address, !own)
		}
	}
}

// TestResolve: the profile's endpoints win, the metadata fills the gaps, and a
// hostile document cannot send secrets into the clear.
func TestResolve(t *testing.T) {
	document := ""
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/openid") {
			fmt.Fprint(w, strings.ReplaceAll(document, "BASE", server.URL))
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	client := wire.New(wire.Options{})
	defer client.Close()
	for _, test := range []struct {
		name, document string
		token          string // configured
		want           string // device endpoint, or part of the error
		fails          bool
	}{
		{"complete", `{"device_authorization_endpoint":"BASE/d","token_endpoint":"BASE/t"}`, "", "/d", false},
		{"the profile wins", `{"device_authorization_endpoint":"BASE/d","token_endpoint":"BASE/other"}`, "/mine", "/d", false},
		{"no device endpoint", `{"token_endpoint":"BASE/t"}`, "", "names no device_authorization_endpoint", true},
		{"not JSON", `<html>`, "", "not JSON", true},
		{"another scheme", `{"device_authorization_endpoint":"file:///etc/passwd","token_endpoint":"BASE/t"}`, "", "not an https URL", true},
		{"not a string", `{"device_authorization_endpoint":{},"token_endpoint":"BASE/t"}`, "", "names no device_authorization_endpoint", true},
	} {
		document = test.document
		p := &profiles.Profile{Issuer: server.URL, TLS: profiles.TLS{AllowHTTP: true}}
		if test.token != "" {
			p.Endpoints.Token = server.URL + test.token
		}
		target, err := Resolve(context.Background(), p, client)
		if test.fails {
			if known := (*TargetError)(nil); !errors.As(err, &known) || !strings.Contains(err.Error(), test.want) || known.Hint == "" {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil || target.Endpoints.DeviceAuthorization != server.URL+test.want {
			t.Errorf("%s: %+v, %v", test.name, target, err)
		}
		if test.token != "" && target.Endpoints.Token != server.URL+test.token {
			t.Errorf("%s: the metadata replaced the profile's token endpoint: %s", test.name, target.Endpoints.Token)
		}
	}
}

// TestFurtherEndpoints: metadata completes the optional endpoints also where
// the profile names the two necessary ones, the OpenID document what the OAuth
// document leaves out, and its absence is no error.
func TestFurtherEndpoints(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/oauth-authorization-server/a" {
			fmt.Fprint(w, `{"token_endpoint":"https://other/t","revocation_endpoint":"https://other/r"}`)
			return
		}
		if r.URL.Path == "/a/.well-known/openid-configuration" {
			fmt.Fprintf(w, `{"token_endpoint":"https://other/t","introspection_endpoint":"http://%s/i","revocation_endpoint":"https://other/r","userinfo_endpoint":"https://h/u"}`, r.Host)
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	client := wire.New(wire.Options{})
	defer client.Close()
	for issuer, want := range map[string]string{"/a": server.URL + "/i", "/b": ""} {
		p := &profiles.Profile{Issuer: server.URL + issuer}
		p.Endpoints = profiles.Endpoints{DeviceAuthorization: server.URL + "/d", Token: server.URL + "/t", UserInfo: "https://mine/u"}
		target, err := Resolve(context.Background(), p, client)
		if e := target.Endpoints; err != nil || e.Introspection != want || e.Token != server.URL+"/t" || e.UserInfo != "https://mine/u" || e.Revocation != "" || (want != "") != (len(target.Refused) == 1) {
			t.Errorf("%s: %+v, %v, %v", issuer, e, target.Refused, err)
		}
	}
}
