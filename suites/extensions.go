package suites

// extensions is about what other documents add to the grant: PKCE, DPoP,
// resource indicators, rich authorization requests.
func (g registrar) extensions() {
	g.section("ext", func() {
	})
}
