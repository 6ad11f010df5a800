package useragent

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// Options configure a driver.
type Options struct {
	Verification profiles.Verification
	TLS          profiles.TLS
	// Browser is a path or a ws:// or http:// URL, as chromium.Find returned
	// it. Empty: the browser driver searches for one itself.
	Browser string
	// Headed shows the browser's window.
	Headed bool
	// Getenv reads the environment. Default: os.Getenv.
	Getenv func(string) string
	// In and Out are the terminal of the manual driver. Default: standard input
	// and standard error.
	In  io.Reader
	Out io.Writer
	// Now is the offset for Journey.Started and Ended, in the target's time.
	// Default: real time since New.
	Now func() time.Duration
	// Parallel is the maximum number of concurrent browser journeys. Default:
	// one per core, or one per two cores if the browser has windows. How many
	// really run depends on how fast the browser reacts on this machine.
	Parallel int
	// Strained reports whether this machine did not keep up since the given
	// time: time limits then start again. Nil: it always keeps up.
	Strained func(since time.Time) bool
	// Reacted is called with the time that the browser took for trivial
	// answers; it may be nil.
	Reacted func(took time.Duration)
	// Note is called with notes about the driver for readers of the result; it
	// may be nil.
	Note func(string)
	// Secret is called with each secret that no exchange of the run shows: the
	// values of the pages' cookies. It may be nil.
	Secret func(string)
	// logins is shared by all engines of a driver.
	logins *logins
	// LocalAddr is the address that the forms driver connects from. Default:
	// chosen by the system.
	LocalAddr string
	// Header is sent with every request of the forms driver.
	Header map[string]string
	// TempDir is where the browser's profile folder is while it runs. Default:
	// the system's folder for temporary files.
	TempDir string
}

// New returns a driver: forms, hook or manual. It starts nothing yet. Package
// chromium has the fourth driver.
func New(name string, o Options) (Driver, error) {
	o = o.WithDefaults()
	switch name {
	case "forms":
		return NewForms(o)
	case "hook":
		return newHook(o)
	case "manual":
		return newManual(o), nil
	}
	return nil, fmt.Errorf("unknown user agent %q: expected forms, hook or manual", name)
}

// WithDefaults returns o with defaults for what is not set.
func (o Options) WithDefaults() Options {
	if o.Secret == nil {
		o.Secret = func(string) {}
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stderr
	}
	if o.Now == nil {
		start := time.Now()
		o.Now = func() time.Duration { return time.Since(start) }
	}
	if o.logins == nil {
		o.logins = new(logins)
	}
	l := &o.Verification.Limits
	if l.Step <= 0 {
		l.Step = 10 * time.Second
	}
	if l.Journey <= 0 {
		l.Journey = 60 * time.Second
	}
	if l.Pages <= 0 {
		l.Pages = 12
	}
	if o.Verification.Locale == "" {
		o.Verification.Locale = "en-US"
	}
	return o
}

// TrustConfig returns a configuration that trusts the system's CA certificates
// and the profile's.
func (o Options) TrustConfig() (*tls.Config, error) {
	shown, err := o.TLS.ClientCertificate()
	if err != nil {
		return nil, err
	}
	config := &tls.Config{InsecureSkipVerify: o.TLS.Insecure, Certificates: shown}
	if o.TLS.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(o.TLS.CAFile)
	if err != nil {
		return nil, fmt.Errorf("tls.ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls.ca_file: no certificate in %s", o.TLS.CAFile)
	}
	config.RootCAs = pool
	return config, nil
}
