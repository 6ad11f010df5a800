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
	// Browser is a path or a ws:// or http:// URL, as chromium.Find found it.
	// Empty: the browser's driver looks for one itself.
	Browser string
	// Headed shows the browser's window.
	Headed bool
	// Getenv reads the environment. Default: os.Getenv.
	Getenv func(string) string
	// In and Out are where the manual driver talks to the person. Default:
	// standard input and standard error.
	In  io.Reader
	Out io.Writer
	// Now is the offset that Journey.Started and Ended are given in, in the
	// target's time. Default: real time since New.
	Now func() time.Duration
	// Parallel is how many journeys a browser makes at once at most. Default: one
	// for each core, or for each two where the browser has windows. How many there
	// are follows from how the browser reacts on this machine.
	Parallel int
	// Strained says that this machine did not keep up since a moment: time limits
	// are granted again then. Nil: it always does.
	Strained func(since time.Time) bool
	// Reacted is told how long the browser took for trivial answers; it may be nil.
	Reacted func(took time.Duration)
	// Note is told what a reader of the run has to know of the driver; it may be
	// nil.
	Note func(string)
	// Secret is told each value that is one, and that no exchange of the run shows:
	// those of the pages' cookies. It may be nil.
	Secret func(string)
	// LocalAddr is the address that the forms driver connects from. Default:
	// the system's choice.
	LocalAddr string
	// Header is sent with every request of the forms driver.
	Header map[string]string
	// TempDir is where the browser's profile is kept while it runs. Default:
	// the system's.
	TempDir string
}

// New makes a driver: forms, hook or manual. It starts nothing yet. The package
// chromium makes the fourth.
func New(kind string, o Options) (Driver, error) {
	o = o.WithDefaults()
	switch kind {
	case "forms":
		return NewForms(o)
	case "hook":
		return newHook(o)
	case "manual":
		return newManual(o), nil
	}
	return nil, fmt.Errorf("unknown user agent %q: expected forms, hook or manual", kind)
}

// WithDefaults is o with the defaults in place of what is not given.
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

// TrustConfig trusts the system's roots and the profile's.
func (o Options) TrustConfig() (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: o.TLS.Insecure}
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
