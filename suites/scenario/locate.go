package scenario

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Locate finds a profile's endpoints, waiting for a target that is still
// starting, and returns how to verify its certificates. An error about the
// target is a *[TargetError].
func Locate(ctx context.Context, p *profiles.Profile, wait time.Duration) (Target, *tls.Config, error) {
	trusted, err := Trust(p.TLS)
	if err != nil {
		return Target{}, nil, err
	}
	client := wire.New(wire.Options{Timeout: p.Limits.Timeout, TLS: trusted})
	defer client.Close()
	target, err := Await(ctx, p, client, wait)
	return target, trusted, err
}

// Trust returns how to verify the target's certificates. An error names
// tls.ca_file.
func Trust(t profiles.TLS) (*tls.Config, error) {
	var roots []byte
	if t.CAFile != "" {
		var err error
		if roots, err = os.ReadFile(t.CAFile); err != nil {
			return nil, fmt.Errorf("tls.ca_file: %w", err)
		}
	}
	config, err := wire.TrustConfig(roots, t.Insecure)
	if err != nil {
		return nil, fmt.Errorf("tls.ca_file %s: %w", t.CAFile, err)
	}
	config.Certificates, err = t.ClientCertificate()
	return config, err
}
