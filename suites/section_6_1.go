package suites

// section61 is about what the RFC advises for user codes, without binding
// anybody.
func (g registrar) section61() {
	g.section("6.1", func() {
		// What a person may type in place of the code as it is printed.
		g.requirement("VERIFY-04")
		g.requirement("VERIFY-05")
		g.requirement("VERIFY-06")
	})
}
