package useragent

import (
	"context"
	"net"

	"github.com/devicegrant/devicegrant/profiles"
)

// What the tests of all drivers need of an agent: one browser serves them all,
// whatever the profile says of consent and time.

// SetConsent changes what the profile says of consent.
func (s *TabAgent) SetConsent(consent string) { s.consent = consent }

// Limits are the agent's limits of time.
func (s *TabAgent) Limits() profiles.JourneyLimits { return s.limits }

// Dial has the driver open its connections some other way.
func (f *Forms) Dial(dial func(ctx context.Context, network, address string) (net.Conn, error)) (hangUp func()) {
	f.transport.Proxy, f.transport.DialContext = nil, dial
	return f.transport.CloseIdleConnections
}
