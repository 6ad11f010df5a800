package scenario

import (
	"fmt"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// The sizes of hostile requests: beyond what anybody needs, and below what
// could hurt a server or a network.
const (
	hugeScope  = 64 << 10
	hugeBody   = 1 << 20
	manyParams = 5000
)

// hostileSizes sends requests that are too large or contain invalid text,
// one after the other. A request that is answered by a 5xx or not at all is
// sent once more under the same label: a fault happens twice, an accident once.
//
// Labels: control; plain/client_id, plain/scope (an unknown client and scope with
// harmless names); size/scope, size/body, size/parameters; bytes/NUL, bytes/FF,
// bytes/escape, bytes/surrogate, bytes/direction, bytes/CRLF; markup/client_id,
// markup/scope; parameter/ENDPOINT/NAME, each with /plain (a word), /NUL and /FF below
// it; control again.
func hostileSizes(c *conversation) error {
	if !c.Profile.Limits.AllowLockouts {
		return &Skipped{"oversized requests may raise alarms: use --allow-lockouts, or set limits.allow_lockouts in the profile"}
	}
	// Late: an address may be shut out after this.
	if err := c.last(); err != nil {
		return err
	}
	public := c.Profile.Clients.Public
	if _, err := c.issue(labels.Control, public); err != nil {
		return err
	}
	mark := c.random.word(8)
	form := identifying(c.deviceForm(public), public, deviceAuth(public))
	// raw replaces the scope by bytes that no encoder would write.
	raw := func(value string) []byte {
		return []byte(form.Without("scope").Add("scope", "").Encode() + value)
	}
	markup := `"'><` + mark + `>`
	c.send(c.bareDeviceRequest(labels.PlainClientID, form.Set("client_id", mark)))
	c.send(c.deviceRequest(labels.PlainScope, public, form.Set("scope", mark)))
	for _, probe := range []struct {
		label string
		body  []byte
	}{
		{labels.SizeScope, []byte(form.Set("scope", mark+strings.Repeat("x", hugeScope)).Encode())},
		{labels.SizeBody, []byte(form.Add("x_h_"+mark, strings.Repeat("x", hugeBody)).Encode())},
		{labels.SizeParameters, []byte(form.Encode() + strings.Repeat("&x_h_"+mark+"=1", manyParams))},
		{labels.BytesNUL, raw(mark + "%00" + mark)},
		{labels.BytesFF, raw(mark + "%FF" + mark)},
		{labels.BytesBrokenEscape, raw(mark + "%zz" + mark)},
		{labels.BytesHalfSurrogate, raw(mark + "%ED%A0%80" + mark)},
		{labels.BytesWritingDirection, raw(mark + "%E2%80%AE" + mark)},
		{labels.BytesCRLF, raw(mark + "%0D%0AX-" + mark + ":%20" + mark)},
		{labels.MarkupClientID, []byte(form.Set("client_id", markup).Encode())},
		{labels.MarkupScope, []byte(form.Set("scope", markup).Encode())},
	} {
		r := c.deviceRequest(probe.label, public, nil)
		if probe.label == labels.MarkupClientID {
			r = c.bareDeviceRequest(probe.label, nil)
		}
		r.Body = append(probe.body[:len(probe.body):len(probe.body)], r.Body...)
		c.sendTwiceIfOdd(r)
	}
	c.hostileParameters(mark)
	_, err := c.issue(labels.ControlAgain, public)
	return err
}

// hostileParameters puts bytes that no parameter has into each one that a server
// looks up, beside the same request with a word in that place.
func (c *conversation) hostileParameters(mark string) {
	public := c.Profile.Clients.Public
	device, token := c.deviceForm(public), c.tokenForm(public, mark)
	refresh := wire.Form{{Name: "grant_type", Value: "refresh_token"}, {Name: "refresh_token", Value: mark}, {Name: "client_id", Value: public.ID}}
	silent := map[string]bool{}
	for _, p := range []struct {
		endpoint, name string
		request        func(label string, value string) wire.Request
	}{
		{labels.Device, "client_id", func(label, value string) wire.Request {
			return c.bareDeviceRequest(label, device.Set("client_id", value))
		}},
		{labels.Token, "client_id", func(label, value string) wire.Request {
			return c.bareTokenRequest(label, token.Set("client_id", value))
		}},
		{labels.Token, "grant_type", func(label, value string) wire.Request {
			return c.tokenRequest(label, public, token.Set("grant_type", value))
		}},
		{labels.Token, "device_code", func(label, value string) wire.Request {
			return c.tokenRequest(label, public, token.Set("device_code", value))
		}},
		{labels.Token, "refresh_token", func(label, value string) wire.Request {
			return c.tokenRequest(label, public, refresh.Set("refresh_token", value))
		}},
	} {
		for _, v := range []struct{ kind, value string }{{labels.Plain, mark}, {labels.NUL, mark + "\x00" + mark}, {labels.FF, mark + "\xff" + mark}} {
			if silent[v.kind] {
				continue // something drops such requests: each would cost its time limit twice
			}
			x := c.sendTwiceIfOdd(p.request(labels.Join(labels.Parameter, p.endpoint, p.name, v.kind), v.value))
			silent[v.kind] = x.Failure != nil && x.Failure.Kind == wire.FailTimeout
		}
	}
}

// sendTwiceIfOdd repeats what got a server error or no answer, and returns what came
// last.
func (c *conversation) sendTwiceIfOdd(r wire.Request) wire.Exchange {
	x := c.sendLarge(r)
	if timedOut := x.Failure != nil && x.Failure.Kind == wire.FailTimeout; timedOut || x.Status >= 500 {
		return c.sendLarge(r)
	}
	return x
}

// sendLarge is send, but only the beginning of a large body is recorded.
func (c *conversation) sendLarge(r wire.Request) wire.Exchange {
	const enough = 1 << 10
	if err := c.turn(c.ctx, r.URL); err != nil {
		return wire.Exchange{}
	}
	x := c.Wire.Do(c.ctx, r)
	if left := len(x.Request.Body) - enough; left > 0 {
		x.Request.Body = fmt.Appendf(x.Request.Body[:enough:enough], "... (%d more bytes)", left)
	}
	return c.record(x)
}
