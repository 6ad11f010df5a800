package suites

// load is about the state machine with many devices at once.
func (g registrar) load() {
	g.section("load", func() {
		g.requirement("LOAD-01")
		g.requirement("LOAD-02")
	})
}
