package scenario

import (
	"strings"
	"unicode"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// tokenErrors sends device access token requests with one error each. The
// control is the same request without a fault, on a code of its own.
//
// Labels: device/NAME (the codes), control; grant_type/absent, /empty,
// /device_code, /upper case, /trailing space, /legacy, /random (TOKEN-01);
// device_code/absent, /empty (TOKEN-02); unknown/random, /changed, /start changed,
// /end changed, /truncated, /case swapped, /space added, /long, /NUL, /UUID,
// /LIKE pattern, /glob pattern, /regular expression, /cut at NUL, /half (TOKEN-03);
// repeat/grant_type, /device_code, /two codes, /client_id, /two clients,
// extra/parameter, extra/without (TOKEN-08); accept/control (without client_id),
// accept/pending (the control), accept/unknown (a random code), accept/absent
// (accept/control), the last three with /any and /none below them.
func tokenErrors(c *conversation) error {
	public := c.Profile.Clients.Public
	control, err := c.issue(labels.Join(labels.Device, labels.Control), public)
	if err != nil {
		return err
	}
	control.pollNow(labels.Control)

	if err := c.wrongGrantTypes(public); err != nil {
		return err
	}
	missing := c.tokenForm(public, "")
	c.send(c.tokenRequest(labels.DeviceCodeAbsent, public, missing.Without("device_code")))
	c.send(c.tokenRequest(labels.DeviceCodeEmpty, public, missing))
	if err := c.unknownDeviceCodes(public); err != nil {
		return err
	}
	if err := c.repeatedParameters(public); err != nil {
		return err
	}
	for _, accept := range accepts { // a fresh code each: no answer is about the pace
		d, err := c.issue(labels.Join(labels.Device, labels.AcceptPending, accept.name), public)
		if err != nil {
			return err
		}
		acceptOnly(d.request(labels.AcceptPending), accept.name, accept.value, d.askOnce)
	}
	unknown := c.tokenForm(public, c.random.like(control.deviceCode))
	accepting(c.tokenRequest(labels.AcceptUnknown, public, unknown), c.send)
	c.send(c.bareTokenRequest(labels.AcceptControl, unknown.Without("client_id")))
	accepting(c.bareTokenRequest(labels.AcceptNameless, unknown.Without("client_id")), c.send)
	return nil
}

func (c *conversation) wrongGrantTypes(client *profiles.Client) error {
	d, err := c.issue(labels.Join(labels.Device, labels.GrantType), client)
	if err != nil {
		return err
	}
	form := c.tokenForm(client, d.deviceCode)
	d.question(c.tokenRequest(labels.Join(labels.GrantType, labels.Absent), client, form.Without("grant_type")))
	for _, v := range []struct{ name, value string }{
		{labels.Empty, ""},
		{"device_code", "device_code"},
		{"upper case", strings.ToUpper(GrantType)},
		{labels.TrailingSpace, GrantType + " "},
		{"legacy", "http://oauth.net/grant_type/device/1.0"},
		{"random", "urn:x-devicegrant:" + c.random.word(12)},
	} {
		d.question(c.tokenRequest(labels.Join(labels.GrantType, v.name), client, form.Set("grant_type", v.value)))
	}
	return nil
}

func (c *conversation) unknownDeviceCodes(client *profiles.Client) error {
	d, err := c.issue(labels.Join(labels.Device, labels.Unknown), client)
	if err != nil {
		return err
	}
	live := d.deviceCode
	// A server that knows a code by its half or its start has been polled then: the
	// probes that say most come first.
	for _, v := range append([]value{
		{labels.Random, c.random.like(live)},
		{labels.Half, half(live)},
		// The graver ones first: one that the server knows may be throttled at the next.
		{labels.Changed, changed(live)},
		{labels.StartChanged, startChanged(live)},
		{labels.EndChanged, endChanged(live)},
		{labels.Truncated, truncated(live)},
		{labels.CaseSwapped, caseSwapped(live)},
		{labels.SpaceAdded, live + " "},
		{labels.Long, strings.Repeat("x", 10<<10)},
		{labels.NUL, "x\x00" + c.random.word(30)},
		{labels.UUID, c.uuid()},
	}, c.looseCodes(live)...) {
		if v.value == live {
			continue // a code without letters has no other case, and a short one no half
		}
		c.send(c.tokenRequest(labels.Join(labels.Unknown, v.name), client, c.tokenForm(client, v.value)))
	}
	return nil
}

// half is the first half of a code that is long enough to have one of its own.
func half(code string) string {
	if r := []rune(code); len(r) >= 2*leastCore {
		return string(r[:len(r)/2])
	}
	return code
}

// truncated cuts the last character that carries information: base64 padding,
// and the half-used character before it, may be dropped by a decoder.
func truncated(code string) string {
	core := []rune(strings.TrimRight(code, "="))
	if len(core) < 4 {
		return string(core) + "x"
	}
	return string(core[:len(core)-2])
}

// changed replaces the character in the middle.
func changed(code string) string { return changedFrom(code, len([]rune(code))/2) }

// startChanged replaces the first character.
func startChanged(code string) string { return changedFrom(code, 0) }

// endChanged replaces the last character that carries information alone: the last
// one of all may have bits that a base64 decoder ignores.
func endChanged(code string) string {
	return changedFrom(code, max(0, len([]rune(strings.TrimRight(code, "=")))-3))
}

// changedFrom replaces the first letter or digit from a place on.
func changedFrom(code string, from int) string {
	out := []rune(code)
	for i := from; i < len(out); i++ {
		if isAlphanumeric(out[i]) {
			if out[i] == '2' {
				out[i] = '3'
			} else {
				out[i] = '2'
			}
			return string(out)
		}
	}
	return code + "2"
}

func caseSwapped(code string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsUpper(c) {
			return unicode.ToLower(c)
		}
		return unicode.ToUpper(c)
	}, code)
}

func (c *conversation) uuid() string {
	const hex = "0123456789abcdef"
	return c.random.from(hex, 8) + "-" + c.random.from(hex, 4) + "-4" + c.random.from(hex, 3) + "-a" + c.random.from(hex, 3) + "-" + c.random.from(hex, 12)
}

// repeatedParameters uses a fresh code for each request, so that no answer is
// about the pace of polling.
func (c *conversation) repeatedParameters(client *profiles.Client) error {
	otherClient := "x-devicegrant-" + c.random.word(16)
	if c.Profile.Clients.Second != nil {
		otherClient = c.Profile.Clients.Second.ID
	}
	for _, v := range []struct {
		name  string
		fault func(wire.Form) (wire.Form, error)
	}{
		{labels.Join(labels.Repeat, "grant_type"), func(f wire.Form) (wire.Form, error) { return f.Add("grant_type", GrantType), nil }},
		{labels.Join(labels.Repeat, "device_code"), func(f wire.Form) (wire.Form, error) { return f.Add("device_code", f.Get("device_code")), nil }},
		{labels.RepeatTwoCodes, func(f wire.Form) (wire.Form, error) {
			d, err := c.issue(labels.Join(labels.Device, labels.Repeat, "second code"), client)
			if err != nil {
				return nil, err
			}
			return f.Add("device_code", d.deviceCode), nil
		}},
		{labels.Join(labels.Repeat, "client_id"), func(f wire.Form) (wire.Form, error) { return f.Add("client_id", client.ID), nil }},
		{labels.RepeatTwoClients, func(f wire.Form) (wire.Form, error) { return f.Add("client_id", otherClient), nil }},
		{labels.ExtraParameter, func(f wire.Form) (wire.Form, error) { return f.Add("x_h_"+c.random.word(8), c.random.word(12)), nil }},
	} {
		d, err := c.issue(labels.Join(labels.Device, v.name), client)
		if err != nil {
			return err
		}
		form, err := v.fault(c.tokenForm(client, d.deviceCode))
		if err != nil {
			return err
		}
		d.question(c.tokenRequest(v.name, client, form))
		if v.name == labels.ExtraParameter {
			d.pollNow(labels.ExtraWithout)
		}
	}
	return nil
}
