package suites

// extensions is about what other documents add to the grant: PKCE, DPoP,
// resource indicators, rich authorization requests.
func (g registrar) extensions() {
	g.section("ext", func() {
		g.requirement("EXT-01")
		g.requirement("EXT-02")
		g.requirement("EXT-03")
		g.requirement("EXT-04")
		g.requirement("EXT-05")
		g.requirement("EXT-06")
	})
}
