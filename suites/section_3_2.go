package suites

// section32 is about the response with the codes: device_code, user_code,
// verification_uri, expires_in; optionally verification_uri_complete and interval.
func (g registrar) section32() {
	g.section("3.2", func() {
		// Status 200, application/json, one object.
		g.requirement("RESP-01")
		g.requirement("RESP-02")
		// The members, one by one.
		g.requirement("RESP-03")
		g.requirement("RESP-04")
		g.requirement("RESP-05")
		g.requirement("RESP-06")
		g.requirement("RESP-07")
		g.requirement("RESP-08")
		g.requirement("RESP-09")
		// The response as a whole, and responses among each other.
		g.requirement("RESP-10")
		g.requirement("RESP-11")
	})
}
