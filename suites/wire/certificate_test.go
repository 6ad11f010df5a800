package wire

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// certified is a fresh self-signed client certificate.
func certified(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, from, from, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestCertificates: each request shows its own certificate or none, however it is
// sent, and the exchange says which.
func TestCertificates(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("only HTTP/2 %v", http2), func(t *testing.T) {
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				name := "nobody"
				if shown := r.TLS.PeerCertificates; len(shown) > 0 {
					name = shown[0].Subject.CommonName
				}
				fmt.Fprint(w, name)
			})
			var server *httptest.Server
			if http2 {
				server = onlyHTTP2Server(t, handler)
			} else {
				server = httptest.NewTLSServer(handler)
				defer server.Close()
			}
			server.TLS.ClientAuth = tls.RequestClientCert
			c := New(Options{TLS: trusting(server)})
			defer c.Close()
			shown := map[string]*tls.Certificate{"alice": certified(t, "alice"), "bob": certified(t, "bob"), "nobody": nil}
			for range 2 {
				var group []Request
				for name, certificate := range shown {
					r := Post(name, server.URL, Form{{"a", "b"}})
					r.Certificate = certificate
					group = append(group, r)
				}
				var all []Exchange
				for _, r := range group {
					all = append(all, c.Do(t.Context(), r))
				}
				for _, x := range append(all, c.Together(t.Context(), group)...) {
					if !x.Answered() || string(x.Response.Body) != x.Label || x.Certificate != Thumbprint(shown[x.Label]) || (x.Certificate == "") != (x.Label == "nobody") {
						t.Errorf("%s: %+v, failure %v", x.Label, x, x.Failure)
					}
				}
			}
		})
	}
}

// TestComplete: what completes a request does so each time that it is sent, and the
// exchange has what was sent.
func TestComplete(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("X-N"), r.FormValue("n"))
	}))
	defer server.Close()
	var n atomic.Int32
	r := Post("a", server.URL, nil)
	r.Complete = func(r Request) Request {
		k := strconv.Itoa(int(n.Add(1)))
		r.Header.Set("X-N", k)
		r.Body = append(r.Body[:len(r.Body):len(r.Body)], Form{{"n", k}}.Encode()...)
		return r
	}
	c := New(Options{})
	defer c.Close()
	all := append([]Exchange{c.Do(context.Background(), r), c.Do(context.Background(), r)}, c.Together(context.Background(), []Request{r, r})...)
	seen := map[string]bool{}
	for _, x := range all {
		k := x.Request.Header.Get("X-N")
		if !x.Answered() || string(x.Response.Body) != k+k || string(x.Request.Body) != "n="+k || seen[k] {
			t.Errorf("%+v, failure %v", x, x.Failure)
		}
		seen[k] = true
	}
	if r.Header.Get("X-N") != "" || len(r.Body) > 0 || n.Load() != 4 {
		t.Errorf("%+v, completed %d times", r, n.Load())
	}
}
