package loadgen

import "crypto/tls"

// tlsConfig is the target's with what the plan says about handshakes: under
// load they cost more than everything else.
func tlsConfig(s *settings, base *tls.Config) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if base != nil {
		config = base.Clone()
	}
	if *s.plan.Connections.Resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(64)
	}
	if s.plan.Connections.KeyExchange == "x25519" {
		config.CurvePreferences = []tls.CurveID{tls.X25519}
	}
	return config
}
