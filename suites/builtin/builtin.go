// Package builtin starts the built-in reference server for one run, on free
// loopback ports and with random secrets: in this process, or as a child
// process that is measured separately. Both have a method Getenv, which
// provides the environment for loading the shipped profile builtin.
package builtin

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"slices"
	"time"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/profiles/clientkey"
)

// Server is the reference server in this process.
type Server struct {
	*fakeidp.Server
	// Secrets are the server's secrets, by the variables that the profile
	// builtin reads.
	Secrets map[string]string
}

// Start starts the server. Secrets that the configuration does not set are
// random.
func Start(config fakeidp.Config) (*Server, error) {
	key, err := KeyedClient(&config, "")
	if err != nil {
		return nil, fmt.Errorf("the built-in server: %w", err)
	}
	certificate, certificateKey := "", ""
	if key != "" && config.TLS {
		if certificate, certificateKey, err = certifiedClient(&config); err != nil {
			return nil, fmt.Errorf("the built-in server: %w", err)
		}
	}
	server, err := fakeidp.Start(config, "127.0.0.1:0", "")
	if err != nil {
		return nil, fmt.Errorf("the built-in server: %w", err)
	}
	config = server.Config()
	s := &Server{Server: server, Secrets: map[string]string{}}
	if key != "" {
		s.Secrets["DEVICEGRANT_CLIENT_KEY"] = key
	}
	if certificate != "" {
		s.Secrets["DEVICEGRANT_CLIENT_CERTIFICATE"], s.Secrets["DEVICEGRANT_CERTIFICATE_KEY"] = certificate, certificateKey
	}
	if c, ok := config.Client("device-confidential"); ok {
		s.Secrets["DEVICEGRANT_CLIENT_SECRET"] = c.Secret
	}
	for name, variable := range map[string]string{"alice": "DEVICEGRANT_PASSWORD", "bob": "DEVICEGRANT_PASSWORD2", "carol": "DEVICEGRANT_PASSWORD3"} {
		if u, ok := config.User(name); ok {
			s.Secrets[variable] = u.Password
		}
	}
	if t, ok := config.Tenant("/orgs/beta"); ok {
		s.Secrets["DEVICEGRANT_PASSWORD4"] = t.Users[0].Password
	}
	return s, nil
}

// KeyedClient registers the client device-key with a key, as PEM or JWK: "" makes one.
// It returns the key; "" for a configuration that is not the built-in server's.
func KeyedClient(config *fakeidp.Config, key string) (string, error) {
	if !slices.ContainsFunc(config.Clients, func(c fakeidp.Client) bool { return c.ID == "device-confidential" }) {
		return "", nil
	}
	parsed, err := clientkey.Parse(key, "", "")
	if key == "" {
		parsed, key, err = clientkey.Generate("device-key-1")
	}
	if err != nil {
		return "", fmt.Errorf("DEVICEGRANT_CLIENT_KEY: %w", err)
	}
	public, _ := parsed.Public() // it is no secret
	config.Clients = append(slices.Clone(config.Clients), fakeidp.Client{ID: "device-key", Name: "Trusting Thermostat", Keys: []crypto.PublicKey{public.Key}})
	return key, nil
}

// certifiedClient registers the client device-certificate, and returns its
// certificate and key as PEM.
func certifiedClient(config *fakeidp.Config) (certificate, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "device-certificate"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", err
	}
	own, err := x509.ParseCertificate(der)
	if err != nil {
		return "", "", err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	config.Clients = append(config.Clients, fakeidp.Client{ID: "device-certificate", Name: "Certified Camera", Certificates: []*x509.Certificate{own}})
	written := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return written("CERTIFICATE", der), written("PRIVATE KEY", pkcs8), nil
}

// StartDefault starts the server with the default configuration and a clock
// rate.
func StartDefault(clockRate float64) (*Server, error) {
	config := fakeidp.DefaultConfig()
	config.ClockRate = clockRate
	return Start(config)
}

// Getenv reads the environment, extended by the server's secrets.
func (s *Server) Getenv(name string) string { return getenv(s.Secrets, name) }

func getenv(secrets map[string]string, name string) string {
	if value, ok := secrets[name]; ok {
		return value
	}
	return os.Getenv(name)
}
