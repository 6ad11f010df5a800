package suites

// section35 is about the answers: the token, the four error codes that steer a
// polling device, and the errors of RFC 6749 section 5.2.
func (g registrar) section35() {
	g.section("3.5", func() {
		// The token response is that of RFC 6749 section 5.1.
		g.requirement("TOKEN-09")
		g.requirement("TOKEN-10")
		g.requirement("TOKEN-11")
		// What the token is worth, to whom.
		g.requirement("TOKEN-13")
		g.requirement("TOKEN-14")
		g.requirement("TOKEN-15")
		g.requirement("TOKEN-16")
		g.requirement("TOKEN-17")
		// Error responses of both endpoints.
		g.requirement("ERR-01")
		g.requirement("ERR-02")
		g.requirement("ERR-03")
		g.requirement("ERR-04")
		g.requirement("ERR-05")
		g.requirement("ERR-06")
		// authorization_pending and slow_down.
		g.requirement("POLL-01")
		g.requirement("POLL-02")
		g.requirement("POLL-03")
		g.requirement("POLL-04")
		g.requirement("POLL-05")
		g.requirement("POLL-06")
		g.requirement("POLL-07")
		// access_denied.
		g.requirement("POLL-08")
		g.requirement("POLL-09")
		// expired_token.
		g.requirement("POLL-10")
		g.requirement("POLL-11")
		g.requirement("POLL-12")
		// The way to the token, and only once.
		g.requirement("POLL-13")
		g.requirement("POLL-14")
		// The same in a race.
		g.requirement("POLL-15")
		g.requirement("POLL-16")
		g.requirement("POLL-17")
		// Thousands of devices share one client.
		g.requirement("POLL-18")
		// After a lost answer.
		g.requirement("POLL-19")
	})
}
