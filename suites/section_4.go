package suites

// section4 is about the metadata: device_authorization_endpoint in the
// documents of RFC 8414 and OpenID Connect Discovery.
func (g registrar) section4() {
	g.section("4", func() {
		g.requirement("META-01")
		g.requirement("META-02")
		g.requirement("META-03")
		g.requirement("META-04")
		g.requirement("META-05")
	})
}
