package suites

// section5 is about the security considerations: transport, strength of
// codes, guessing, and attacks on the pages.
func (g registrar) section5() {
	g.section("5", func() {
		// Transport.
		g.requirement("SEC-01")
		// Strength of the codes.
		g.requirement("SEC-02")
		g.requirement("SEC-03")
		g.requirement("SEC-14")
	})
}
