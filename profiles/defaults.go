package profiles

import (
	"cmp"
	"time"
)

// setDefaults fills in what the profile omits. Given values stay unchanged,
// even wrong ones, for validation to report.
func (d *document) setDefaults(p *Profile) {
	p.Title = cmp.Or(p.Title, p.Name)
	if p.Discovery == "" {
		p.Discovery = "off"
		if p.Issuer != "" {
			p.Discovery = "auto"
		}
	}
	for _, c := range p.Clients.all() {
		setClientDefaults(*c.entry)
	}
	if p.Expiry != nil {
		if p.Expiry.Client == nil && p.Expiry.Endpoints == (Endpoints{}) {
			p.Expiry = nil
		} else {
			setClientDefaults(p.Expiry.Client)
		}
	}

	if p.Tenant != nil {
		setClientDefaults(p.Tenant.Clients.Public)
	}

	p.IssuerRule = cmp.Or(p.IssuerRule, "exact")
	p.Request.DeviceAuthorization.ParamsIn = cmp.Or(p.Request.DeviceAuthorization.ParamsIn, "body")
	p.Request.Token.ParamsIn = cmp.Or(p.Request.Token.ParamsIn, "body")
	p.Responses.Format = cmp.Or(p.Responses.Format, "json")

	setDefault(d, "limits.timeout", &p.Limits.Timeout, 15*time.Second)
	setDefault(d, "limits.rate", &p.Limits.Rate, 50)
	setDefault(d, "limits.guesses", &p.Limits.Guesses, 30)
	setDefault(d, "limits.codes", &p.Limits.Codes, 100)
	setDefault(d, "limits.race_width", &p.Limits.RaceWidth, 20)
	setDefault(d, "limits.race_rounds", &p.Limits.RaceRounds, 10)
	setDefault(d, "limits.load_devices", &p.Limits.LoadDevices, 24)
	setDefault(d, "limits.repeat", &p.Limits.Repeat, 4)

	setDefault(d, "limits.refresh_grace", &p.Limits.RefreshGrace, 65*time.Second)

	v := &p.Verification
	if v.Drivers == nil {
		v.Drivers = []string{"browser", "forms"}
	}
	if v.Auto == nil {
		v.Auto = new(true)
	}
	v.Locale = cmp.Or(v.Locale, "en-US")
	v.CompleteParam = cmp.Or(v.CompleteParam, "user_code")
	v.Consent = cmp.Or(v.Consent, "unknown")
	setDefault(d, "verification.limits.step", &v.Limits.Step, 10*time.Second)
	setDefault(d, "verification.limits.journey", &v.Limits.Journey, time.Minute)
	setDefault(d, "verification.limits.pages", &v.Limits.Pages, 12)
	if v.Hook != nil && v.Hook.URL != "" {
		v.Hook.Method = cmp.Or(v.Hook.Method, "POST")
	}

	for i := range p.Baseline {
		p.Baseline[i].Expect = cmp.Or(p.Baseline[i].Expect, "fail")
	}
}

func setClientDefaults(c *Client) {
	if c == nil {
		return
	}
	if c.Auth == "" {
		c.Auth = AuthNone
		switch {
		case c.Key != nil && c.Certificate == nil:
			c.Auth = AuthPrivateKeyJWT
		case c.Secret != nil:
			c.Auth = AuthBasic
		}
	}
	c.DeviceAuth = cmp.Or(c.DeviceAuth, c.Auth)
}

// setDefault leaves an explicit zero alone: it is a mistake, not an omission.
func setDefault[T comparable](d *document, path string, field *T, value T) {
	var zero T
	if *field == zero && !d.given(path) {
		*field = value
	}
}
