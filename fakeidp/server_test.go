package fakeidp

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestServerOverTLS(t *testing.T) {
	s := NewServer(Config{TLS: true})
	defer s.Close()
	client := s.Client()
	defer client.CloseIdleConnections()
	response, err := client.Get(s.URL + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var m metadata
	if err := json.NewDecoder(response.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	if m.Issuer != s.URL || !strings.HasPrefix(s.URL, "https://127.0.0.1:") {
		t.Errorf("issuer %q of %q", m.Issuer, s.URL)
	}
	if _, err := http.Get(s.URL + "/jwks"); err == nil {
		t.Error("a client that does not know the certificate trusts it")
	}
}

func TestCloseEndsEverything(t *testing.T) {
	s := NewServer(Config{})
	client := s.Client()
	response, err := client.Get(s.ControlURL + "/health")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	s.Close()
	client.CloseIdleConnections()
	for _, u := range []string{s.URL, s.ControlURL} {
		if c, err := net.Dial("tcp", strings.TrimPrefix(u, "http://")); err == nil {
			c.Close()
			t.Errorf("%s still listens", u)
		}
	}
	s.Close() // a second time does no harm
}

func TestControlListensOnLoopbackOnly(t *testing.T) {
	if s, err := Start(Config{}, "127.0.0.1:0", "0.0.0.0:0"); err == nil {
		s.Close()
		t.Error("the control plane listens on all addresses")
	}
	if s, err := Start(Config{}, "0.0.0.0:0", ""); err == nil {
		s.Close()
		t.Error("a server on all addresses invented an issuer")
	}
	s, err := Start(Config{}, "127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.ControlURL != "" {
		t.Errorf("there is a control plane at %s", s.ControlURL)
	}
}
