package suites

// section31 is about the request that starts a grant. "The client initiates
// the authorization flow by requesting a set of verification codes from the
// authorization server."
func (g registrar) section31() {
	g.section("3.1", func() {
		// An HTTP POST with client_id and an optional scope in a form body.
		g.requirement("DA-01")
		g.requirement("DA-02")
		g.requirement("DA-03")
		// client_id is required of a client that does not authenticate otherwise.
		g.requirement("DA-04")
		// "Parameters sent without a value MUST be treated as if they were
		// omitted from the request." Unknown ones are ignored, none is repeated.
		g.requirement("DA-05")
		g.requirement("DA-06")
		g.requirement("DA-07")
		g.requirement("DA-08")
		// Errors are those of RFC 6749 section 5.2.
		g.requirement("DA-09")
		g.requirement("DA-10")
		// "The client authentication requirements of Section 3.2.1 of [RFC6749]
		// apply to requests on this endpoint".
		g.requirement("DA-11")
		g.requirement("DA-12")
		g.requirement("DA-13")
		g.requirement("DA-14")
		// What no client sends.
		g.requirement("DA-15")
	})
}
