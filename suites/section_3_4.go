package suites

// section34 is about the request with which the device asks for its token:
// grant_type, device_code, client_id, in a form body.
func (g registrar) section34() {
	g.section("3.4", func() {
		g.requirement("TOKEN-01")
		g.requirement("TOKEN-02")
		g.requirement("TOKEN-03")
		g.requirement("TOKEN-04")
		g.requirement("TOKEN-05")
		g.requirement("TOKEN-06")
		g.requirement("TOKEN-07")
		g.requirement("TOKEN-08")
		g.requirement("TOKEN-12")
	})
}
