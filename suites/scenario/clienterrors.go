package scenario

import (
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// clientErrors presents one wrong client secret in an Authorization header at
// each endpoint, beside the same request with the right one.
//
// Labels: right/device, wrong/device (when the client authenticates there with
// Basic); right/token, wrong/token (a secret whose last two characters are wrong, on
// the code of wrong/code); wrong/body (a
// wrong secret in the body of a device authorization request), wrong/basic (beside
// the right one in the body), and last of all right/after, with the right one alone.
func clientErrors(c *conversation) error {
	client := c.Profile.Clients.Confidential
	switch {
	case client == nil || !client.Authenticates():
		return absent("the profile has no confidential client")
	case tokenAuth(client) != profiles.AuthBasic:
		return absent("the confidential client does not use HTTP Basic")
	case !c.Profile.Limits.AllowLockouts:
		return &Skipped{"a wrong secret may lock the client: use --allow-lockouts, or set limits.allow_lockouts in the profile"}
	}
	// A client may be locked or delayed after this.
	if err := c.last(); err != nil {
		return err
	}
	wrongSecret := c.random.word(24)
	wrong := wire.BasicAuth(client.ID, wrongSecret)

	d, err := c.issue(labels.RightDevice, client)
	if err != nil {
		return err
	}
	if deviceAuth(client) == profiles.AuthBasic {
		r := c.deviceRequest(labels.WrongDevice, client, c.deviceForm(client))
		r.Header.Set("Authorization", wrong)
		c.send(r)
	}
	d.pollNow(labels.Join(labels.Right, labels.Token))
	if d, err = c.issue(labels.Join(labels.Wrong, labels.Code), client); err != nil {
		return err
	}
	r := c.tokenRequest(labels.WrongToken, client, c.tokenForm(client, d.deviceCode))
	r.Header.Set("Authorization", wire.BasicAuth(client.ID, c.wrongSecret(*client.Secret, false).Reveal()))
	c.send(r)
	if deviceAuth(client) == profiles.AuthBasic {
		c.send(c.bareDeviceRequest(labels.WrongBody, c.deviceForm(client).Set("client_secret", wrongSecret)))
		r := c.bareDeviceRequest(labels.WrongBasic, c.deviceForm(client).Set("client_secret", client.Secret.Reveal()))
		r.Header.Set("Authorization", wrong)
		c.send(r)
		// A client that is locked by now is refused whatever it sends.
		c.send(c.deviceRequest(labels.RightAfter, client, c.deviceForm(client)))
	}
	return nil
}

// hostileCharacters provokes errors with characters that RFC 6749 section 5.2
// does not allow in an error response, and asks for other languages: a server
// that echoes or translates shows itself.
//
// Labels: device/client_id, device/scope, token/client_id, token/device_code,
// token/grant_type, each with /quotes, /backslash, /non-ASCII below it.
func hostileCharacters(c *conversation) error {
	public := c.Profile.Clients.Public
	mark := c.random.word(8)
	device, token := c.deviceForm(public), c.tokenForm(public, "x-"+mark)
	for _, v := range []struct{ name, value string }{
		{"quotes", `"` + mark + `"`},
		{"backslash", `\` + mark + `\n`},
		{"non-ASCII", "ü" + mark + "\u202e端末"},
	} {
		say := func(r wire.Request) {
			r.Header.Set("Accept-Language", "ja, de;q=0.8")
			c.send(r)
		}
		say(c.bareDeviceRequest(labels.Join(labels.Device, "client_id", v.name), device.Set("client_id", v.value)))
		say(c.deviceRequest(labels.Join(labels.Device, "scope", v.name), public, device.Set("scope", v.value)))
		say(c.tokenRequest(labels.Join(labels.Token, "client_id", v.name), public, token.Set("client_id", v.value)))
		say(c.tokenRequest(labels.Join(labels.Token, "device_code", v.name), public, token.Set("device_code", v.value)))
		say(c.tokenRequest(labels.Join(labels.Token, labels.GrantType, v.name), public, token.Set("grant_type", v.value)))
	}
	return nil
}
