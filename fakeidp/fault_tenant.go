package fakeidp

import "strings"

// tenantFaults: what one tenant knows of another.
var tenantFaults = []fault{
	{Fault{"R10", "tenant-ignored", "The tenant is ignored when a device code is looked up", Defect},
		meet(func(x *exchange) bool {
			t, rest := x.tenant()
			if t == nil || rest != pathToken {
				return false
			}
			if _, err := x.p.find(x.form.Get("device_code")); err == nil {
				x.r.URL.Path = x.p.basePath + rest
			}
			return false
		})},
	{Fault{"F-SEC-13", "page-of-every-tenant", "A tenant's page accepts the user codes of every other tenant", Defect},
		meet(func(x *exchange) bool {
			t, rest := x.tenant()
			if t == nil || rest != pathDevice {
				return false
			}
			if g, err := x.p.find(x.form.Get("user_code")); err == nil {
				// The same grant, filed where the tenant looks.
				t.byUserCode.put(g.userCode, g, t.clock.Now())
			}
			return false
		})},
	{Fault{"F-META-04", "one-issuer-for-all", "The metadata of every tenant names the issuer of the first", Defect},
		see(func(x *exchange) {
			for _, t := range x.p.tenants {
				if x.document() && strings.Contains(x.r.URL.Path, t.basePath) {
					x.edit(func(o map[string]any) { o["issuer"] = x.p.config.Issuer })
				}
			}
		})},
}

// tenant is the tenant at which a request is aimed, and the path below it; nil:
// the first one.
func (x *exchange) tenant() (t *IdP, rest string) {
	for _, t := range x.p.tenants {
		if rest, ok := strings.CutPrefix(x.r.URL.Path, t.basePath); ok {
			return t, rest
		}
	}
	return nil, ""
}
