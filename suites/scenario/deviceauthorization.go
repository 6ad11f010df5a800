package scenario

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// deviceAuthorization sends valid device authorization requests (RFC 8628
// section 3.1) and looks at the verification URI.
//
// Labels: valid/public, valid/public again, valid/confidential; page.
func deviceAuthorization(c *conversation) error {
	public := c.Profile.Clients.Public
	d, err := c.issue(labels.ValidPublic, public)
	if err != nil {
		return err
	}
	if _, err := c.issue(labels.Join(labels.Valid, "public again"), public); err != nil {
		return err
	}
	if confidential := c.Profile.Clients.Confidential; confidential != nil {
		c.send(c.deviceRequest(labels.ValidConfidential, confidential, c.deviceForm(confidential)))
	}
	if d.verificationURI != "" {
		c.send(wire.Get(labels.Page, d.verificationURI))
	}
	return nil
}

// codes sends many device authorization requests at once. When the target says
// that it had enough, no further ones are sent: the sample is smaller then.
//
// Labels: code/1 ... code/N.
func codes(c *conversation) error {
	// Late: some stores keep only so many pending grants of a client.
	if err := c.last(); err != nil {
		return err
	}
	public := c.Profile.Clients.Public
	var (
		all    sync.WaitGroup
		enough atomic.Bool
		next   = make(chan int)
	)
	for range codesAtOnce {
		all.Go(func() {
			for i := range next {
				if enough.Load() {
					continue
				}
				x := c.send(c.deviceRequest(labels.Nth(labels.Code, i), public, c.deviceForm(public)))
				if x.Overloaded() {
					enough.Store(true)
				}
			}
		})
	}
	sample := max(2, c.Profile.Limits.Codes)
	if ceiling := cmp.Or(c.Profile.Limits.DeviceAuthorizationPerMinute, c.codes.perMinute()); ceiling > 0 {
		sample = max(2, min(sample, ceiling)) // a minute's worth
	}
	for i := range sample {
		next <- i + 1
	}
	close(next)
	all.Wait()
	return c.ctx.Err()
}

// codesAtOnce is how many requests of the sample are under way at a time:
// enough for codes that are drawn at the same instant.
const codesAtOnce = 8

// deviceErrors sends device authorization requests with one error each, beside
// the same request without the fault.
//
// Labels: control/public, control/confidential (the requests without a fault);
// method/GET, /PUT, /HEAD, query/parameters, query/no secret,
// query/secret (DA-02); type/json,
// /text, /multipart, /none, /charset (DA-03); client/absent, /empty, /unknown
// (DA-04, DA-09), /other case, /space added (DA-09); repeat/same client,
// /other client, /scope (DA-05);
// unknown/added (DA-06); scope/absent, /empty (DA-07); control/public again;
// accept/code, accept/absent (client/absent), each with /any and /none below it.
func deviceErrors(c *conversation) error {
	public, confidential := c.Profile.Clients.Public, c.Profile.Clients.Confidential
	form := c.deviceForm(public)
	endpoint := c.Target.Endpoints.DeviceAuthorization
	valid := func(label string) wire.Request { return c.deviceRequest(label, public, form) }
	if _, err := c.deviceFrom(c.send(valid(labels.ControlPublic)), public); err != nil {
		return fmt.Errorf("the valid control request fails: %w", err)
	}

	for _, method := range []string{"GET", "PUT", "HEAD"} {
		r := valid(labels.Join(labels.Method, method))
		r.Method, r.URL, r.Body = method, withQuery(endpoint, form), nil
		r.Header.Del("Content-Type")
		c.send(r)
	}
	r := valid(labels.QueryParameters)
	r.URL, r.Body = withQuery(endpoint, form), nil
	c.send(r)
	// The secret goes into the target's access log.
	if c.Profile.Limits.AllowLockouts && confidential != nil && confidential.SendsSecret() && deviceAuth(confidential) != profiles.AuthNone {
		own := c.deviceForm(confidential)
		c.send(c.deviceRequest(labels.ControlConfidential, confidential, own))
		c.send(c.bareDeviceRequest(labels.QueryNoSecret, own))
		r := c.bareDeviceRequest(labels.QuerySecret, own)
		r.URL = withQuery(r.URL, wire.Form{{Name: "client_secret", Value: confidential.Secret.Reveal()}})
		c.send(r)
	}

	complete := identifying(form, public, deviceAuth(public))
	if public.Secret != nil && deviceAuth(public) == profiles.AuthPost {
		complete = form.Set("client_secret", public.Secret.Reveal())
	}
	for _, body := range otherTypes(complete) {
		r := valid(labels.Join(labels.Type, body.name))
		r.Header.Del("Content-Type")
		if body.mediaType != "" {
			r.Header.Set("Content-Type", body.mediaType)
		}
		r.URL, r.Body = endpoint, body.bytes
		c.send(r)
	}

	c.send(c.bareDeviceRequest(labels.ClientAbsent, form.Without("client_id")))
	c.send(c.bareDeviceRequest(labels.ClientEmpty, form.Set("client_id", "")))
	c.send(c.bareDeviceRequest(labels.ClientUnknown, form.Set("client_id", "x-devicegrant-"+c.random.word(16))))
	if swapped := c.otherCase(public); swapped != "" {
		c.send(c.bareDeviceRequest(labels.ClientOtherCase, form.Set("client_id", swapped)))
	}
	c.send(c.bareDeviceRequest(labels.ClientSpaceAdded, form.Set("client_id", public.ID+" ")))

	c.send(c.deviceRequest(labels.RepeatSameClient, public, form.Add("client_id", public.ID)))
	other := "x-devicegrant-" + c.random.word(16)
	if c.Profile.Clients.Second != nil {
		other = c.Profile.Clients.Second.ID
	}
	c.send(c.deviceRequest(labels.RepeatOtherClient, public, form.Add("client_id", other)))
	if scope := form.Get("scope"); scope != "" {
		c.send(c.deviceRequest(labels.RepeatScope, public, form.Add("scope", scope)))
	}

	c.send(c.deviceRequest(labels.UnknownAdded, public, form.
		Add("x_h_"+c.random.word(8), "").
		Add("x_h_"+c.random.word(8), c.random.word(200)).
		Add("x-h."+c.random.word(8), "1")))

	c.send(c.deviceRequest(labels.ScopeAbsent, public, form.Without("scope")))
	c.send(c.deviceRequest(labels.ScopeEmpty, public, form.Set("scope", "")))

	c.send(valid(labels.ControlPublicAgain))
	accepting(valid(labels.AcceptCodes), c.send)
	accepting(c.bareDeviceRequest(labels.AcceptNameless, form.Without("client_id")), c.send)
	return nil
}
