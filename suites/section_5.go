package suites

// section5 is about the security considerations: transport, strength of
// codes, guessing, and attacks on the pages.
func (g registrar) section5() {
	g.section("5", func() {
	})
}
