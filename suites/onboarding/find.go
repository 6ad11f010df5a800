package onboarding

import (
	"context"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/scenario"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// find asks a server about itself, for a profile that is to be written.
func find(ctx context.Context, issuer string, t profiles.TLS) (scenario.Found, error) {
	trust, err := scenario.Trust(t)
	if err != nil {
		return scenario.Found{}, err
	}
	client := wire.New(wire.Options{TLS: trust})
	defer client.Close()
	return scenario.Find(ctx, issuer, client), nil
}
