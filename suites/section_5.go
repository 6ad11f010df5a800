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
		// Guessing.
		g.requirement("SEC-04")
		g.requirement("SEC-05")
		g.requirement("SEC-06")
		// Attacks on the pages, in a browser of their own.
		g.requirement("SEC-07")
		g.requirement("SEC-08")
		g.requirement("SEC-09")
		g.requirement("SEC-10")
		g.requirement("SEC-11")
		g.requirement("SEC-12")
		// A neighbour on the same server.
		g.requirement("SEC-13")
		g.requirement("SEC-14")
	})
}
