package suites

// section61 is about what the RFC advises for user codes, without binding
// anybody.
func (g registrar) section61() {
	g.section("6.1", func() {
	})
}
