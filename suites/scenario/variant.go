package scenario

import (
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// varied writes a request as another client may: the parameters in another order,
// unknown ones among them, and the media type with a charset.
func (c *conversation) varied(form wire.Form, request func(wire.Form) wire.Request) wire.Request {
	other := slices.Clone(form)
	slices.Reverse(other)
	r := request(other.Add("x_h_"+c.random.word(8), "").Add("x_h_"+c.random.word(8), c.random.word(12)))
	r.Header.Set("Content-Type", wire.FormType+"; charset=UTF-8")
	return r
}

// variedDevice asks for codes so; nil where the server gives none.
func (c *conversation) variedDevice(label string, client *profiles.Client) *device {
	x := c.send(c.varied(c.deviceForm(client), func(form wire.Form) wire.Request { return c.deviceRequest(label, client, form) }))
	d, err := c.deviceFrom(x, client)
	if err != nil {
		return nil
	}
	return d
}

// collectVaried is collect with polls that are varied.
func (d *device) collectVaried(label string) (x wire.Exchange, err error) {
	for i := 1; i <= patience; i++ {
		r := d.c.varied(d.c.tokenForm(d.client, d.deviceCode), func(form wire.Form) wire.Request {
			return d.c.tokenRequest(labels.Nth(label, i), d.client, form)
		})
		if x, err = d.askPaced(r); err != nil {
			return x, err
		}
		if e := x.OAuthError(); e != "authorization_pending" && e != "slow_down" {
			break
		}
	}
	return x, nil
}

// followVariant tells apart why a varied request came to another token than a plain
// one: another code of a varied request is approved, and polled for as usual.
func (c *conversation) followVariant(client *profiles.Client, varied, plain wire.Exchange) error {
	if !gaveToken(plain) || equalWorth(varied, plain) {
		return nil
	}
	d := c.variedDevice(labels.Join(labels.VariantAgain, labels.Device), client)
	if d == nil {
		return nil
	}
	s, err := c.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := c.approve(s, labels.Of(labels.Approve, labels.VariantAgain), d); err != nil {
		return err
	}
	_, err = d.collect(labels.Join(labels.VariantAgain, labels.Token), patience)
	return err
}

// equalWorth says that two token responses say the same of what they give.
func equalWorth(a, b wire.Exchange) bool {
	scopes := func(x wire.Exchange) []string {
		return slices.Sorted(slices.Values(strings.Fields(stringIn(x, "scope"))))
	}
	return gaveToken(a) == gaveToken(b) && slices.Equal(scopes(a), scopes(b)) && strings.EqualFold(stringIn(a, "token_type"), stringIn(b, "token_type"))
}

// approveVariant has the end user approve the code of a varied request; nil where
// there is none, or the approval could not be finished.
func (c *conversation) approveVariant(s useragent.Agent, client *profiles.Client) *device {
	d := c.variedDevice(labels.Join(labels.Variant, labels.Device), client)
	if d == nil || c.approve(s, labels.Of(labels.Approve, labels.Variant), d) != nil {
		return nil
	}
	return d
}
