package suites

// section33 is about the person: they go to the verification URI, log in,
// enter the code, and decide.
func (g registrar) section33() {
	g.section("3.3", func() {
		g.requirement("VERIFY-01")
		g.requirement("VERIFY-02")
		g.requirement("VERIFY-03")
		g.requirement("VERIFY-08")
		// Section 3.3.1: the URI that carries the code.
		g.requirement("VERIFY-10")
	})
}
