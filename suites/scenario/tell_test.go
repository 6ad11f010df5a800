package scenario

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// telling is one run of scenarios in memory and in virtual time. The zero
// value is a well-behaved server, people who do as they are told, and a
// profile with everything in it.
type telling struct {
	at *idp
	by *people
	// profile and environment change what is usual.
	profile     func(*profiles.Profile)
	environment func(*Environment)
	// https puts everything behind TLS.
	https bool
	// stop ends the run after so long; 0: never.
	stop time.Duration
	// act is told in place of the scenario that is named.
	act func(*conversation) error
	// settings is the profile in the end.
	settings *profiles.Profile
}

// everything is a profile with all clients, users and limits.
func everything(base string) *profiles.Profile {
	secret := func(s string) *profiles.Secret { v := profiles.NewSecret(s); return &v }
	user := func(name string) *profiles.User {
		return &profiles.User{Username: profiles.NewSecret(name), Password: profiles.NewSecret(passwords[name])}
	}
	yes := true
	return &profiles.Profile{
		Issuer: base, Discovery: "auto", Scopes: []string{"openid", "profile", "email"}, ForbiddenScope: "admin",
		Clients: profiles.Clients{
			Public: &profiles.Client{ID: "tv"}, Second: &profiles.Client{ID: "second-tv"},
			Confidential: &profiles.Client{ID: "box", Secret: secret(secretBox)},
			NotAllowed:   &profiles.Client{ID: "nope", Secret: secret(secretNope)},
			Reserved:     &profiles.Client{ID: "odd:100% a+b", Secret: secret(secretOdd)},
			Keyed:        (&profiles.Client{ID: "lock", Secret: secret(secretLock), Auth: profiles.AuthSecretJWT}).WithKey(lockKey),
		},
		Users: profiles.Users{First: user("anna"), Second: user("bert"), Third: user("carl"),
			Wrong: &profiles.User{Username: profiles.NewSecret("anna"), Password: profiles.NewSecret("not-annas-pass")}},
		Limits: profiles.Limits{Rate: 1000, Codes: 5, RaceWidth: 3, RaceRounds: 2, LoadDevices: 8, Repeat: 2, Guesses: 8, RefreshGrace: time.Minute, AllowLockouts: true},
		TLS:    profiles.TLS{AllowHTTP: true},
		Verification: profiles.Verification{CompleteParam: "user_code",
			Narrow: &profiles.Narrow{Scope: "profile", Box: &profiles.Locator{}}},
		Capabilities: profiles.Capabilities{DPoP: &yes, Resource: "https://api.test/", AuthorizationDetails: `[{"type":"known"}]`},
		Tenant: &profiles.Tenant{Issuer: base + "/there", Clients: profiles.TenantClients{Public: &profiles.Client{ID: "their-tv"}},
			Users: profiles.TenantUsers{First: user("dora")}},
	}
}

// tell runs the scenarios side by side and returns what each of them said.
func (g *telling) tell(t *testing.T, names ...string) map[string]transcript.Transcript {
	t.Helper()
	if g.at == nil {
		g.at = &idp{}
	}
	if g.by == nil {
		g.by = &people{}
	}
	g.by.at = g.at
	g.at.base = "http://scripted"
	if g.https {
		g.at.base = "https://scripted"
	}
	said := map[string]transcript.Transcript{}
	synctest.Test(t, func(t *testing.T) {
		open, closed := newPipes(), newPipes()
		server := &http.Server{Handler: g.at, ErrorLog: log.New(io.Discard, "", 0)} // old TLS versions are refused on purpose
		go server.Serve(open)
		defer server.Close()
		trusted := &tls.Config{MinVersion: tls.VersionTLS12}
		if g.https {
			certificate, roots := certificateFor(t, "scripted")
			trusted.RootCAs = roots
			go server.Serve(tls.NewListener(closed, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}))
		}
		clock := NewClock(1)
		client := wire.New(wire.Options{Now: clock.Now, TLS: trusted, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasSuffix(address, ":443") {
				return closed.dial(ctx, network, address)
			}
			return open.dial(ctx, network, address)
		}})
		defer client.Close()
		g.settings = everything(g.at.base)
		if g.profile != nil {
			g.profile(g.settings)
		}
		at := profiles.Endpoints{DeviceAuthorization: g.at.base + "/device", Token: g.at.base + "/token", Introspection: g.at.base + "/introspect",
			Revocation: g.at.base + "/revoke", UserInfo: g.at.base + "/userinfo", JWKS: g.at.base + "/jwks"}
		e := &Environment{Profile: g.settings, Target: Target{Issuer: g.settings.Issuer, Endpoints: at, Expiry: at}, Wire: client, Clock: clock, Seed: 1, Driver: g.by}
		if g.environment != nil {
			g.environment(e)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if g.stop > 0 {
			end := time.AfterFunc(g.stop, cancel)
			defer end.Stop()
		}
		r := NewRunner(e)
		if g.act != nil {
			nobody := func([]string, stage) []<-chan struct{} { return nil }
			said[names[0]] = r.tell(r.lifeWithin(ctx), Scenario{Name: names[0], run: g.act}, func() {}, nobody)
			return
		}
		r.Start(ctx, names...)
		for _, name := range names {
			said[name] = r.Wait(name)
		}
		r.Settle(ctx)
	})
	if g.by.opened != g.by.closed {
		t.Errorf("%v: %d user agents were opened and %d closed", names, g.by.opened, g.by.closed)
	}
	for name, one := range said {
		if one.Broken != "" {
			t.Errorf("%s: %s", name, one.Broken)
		}
	}
	return said
}

// one is tell for one scenario.
func (g *telling) one(t *testing.T, name string) transcript.Transcript {
	t.Helper()
	return g.tell(t, name)[name]
}

func newPipes() *pipeListener {
	return &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
}

// certificateFor is a new certificate of a host, and the roots that trust it.
func certificateFor(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// labelsOf are the labels of the exchanges, in the order they were recorded.
func labelsOf(said transcript.Transcript) (list []string) {
	for _, x := range said.Exchanges {
		list = append(list, x.Label)
	}
	return list
}

func journeysOf(said transcript.Transcript) (list []string) {
	for _, j := range said.Journeys {
		list = append(list, j.Name)
	}
	return list
}

func attacksOf(said transcript.Transcript) (list []string) {
	for _, a := range said.Attacks {
		list = append(list, a.Name)
	}
	return list
}
