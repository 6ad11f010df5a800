package suites

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/scenario"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Locate finds a profile's endpoints, waiting a while for a target that is
// still starting, and the certificates that it has to show. An error about the
// target is a *[scenario.TargetError].
func Locate(ctx context.Context, p *profiles.Profile, wait time.Duration) (scenario.Target, *tls.Config, error) {
	trusted, err := trust(p.TLS)
	if err != nil {
		return scenario.Target{}, nil, err
	}
	client := wire.New(wire.Options{Timeout: p.Limits.Timeout, TLS: trusted})
	defer client.Close()
	target, err := scenario.Await(ctx, p, client, wait)
	return target, trusted, err
}
