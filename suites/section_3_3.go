package suites

// section33 is about the person: they go to the verification URI, log in,
// enter the code, and decide.
func (g registrar) section33() {
	g.section("3.3", func() {
		g.requirement("VERIFY-01")
		g.requirement("VERIFY-02")
		g.requirement("VERIFY-03")
		// What the pages show, and what they must not hold.
		g.requirement("VERIFY-07")
		g.requirement("VERIFY-08")
		g.requirement("VERIFY-11")
		// Section 3.3.1: the URI that carries the code.
		g.requirement("VERIFY-09")
		g.requirement("VERIFY-10")
		// One decision for one code, by the person who makes it.
		g.requirement("VERIFY-12")
		g.requirement("VERIFY-13")
		g.requirement("VERIFY-14")
		g.requirement("VERIFY-15")
	})
}
