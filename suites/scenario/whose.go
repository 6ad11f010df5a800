package scenario

import "github.com/devicegrant/devicegrant/suites/wire"

// whose asks the target whom the token in an answer belongs to: the userinfo
// endpoint, and where that does not tell, introspection by the confidential
// client. An answer without a token is left alone.
//
// Labels: LABEL/userinfo, LABEL/introspection.
func (c *conversation) whose(label string, token wire.Exchange) {
	o, err := token.Object()
	if err != nil {
		return
	}
	access, _ := o.String("access_token")
	if access == "" {
		return
	}
	if at := c.Target.Endpoints.UserInfo; at != "" {
		r := wire.Get(label+"/userinfo", at)
		r.Header.Set("Authorization", "Bearer "+access)
		if x := c.send(r); x.Status == 200 {
			return
		}
	}
	at, client := c.Target.Endpoints.Introspection, c.Profile.Clients.Confidential
	if at == "" || client == nil {
		return
	}
	c.send(c.aboutToken(label+"/introspection", at, client, access))
}
