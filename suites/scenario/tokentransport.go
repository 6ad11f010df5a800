package scenario

import (
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// tokenTransport sends device access token requests whose parameters are in
// the wrong place or in another media type.
//
// Labels: types/device, types/control, type/json, /text, /multipart, /none,
// /charset, types/after (TOKEN-07); secret/device, secret/none, secret/query,
// secret/right (with allow_lockouts); device, method/GET, method/PUT, query/code, redeem/1 ...
// on an approved code (TOKEN-06); variant/device, variant/token/1 ..., and, where that
// token is unlike the other, variant again/device, variant again/token/1 ... Journeys:
// approve, approve variant, approve variant again.
func tokenTransport(c *conversation) error {
	public := c.Profile.Clients.Public
	if err := c.tokenTypes(public); err != nil {
		return err
	}
	// The secret goes into the target's access log.
	confidential := c.Profile.Clients.Confidential
	if c.Profile.Limits.AllowLockouts && confidential != nil && confidential.SendsSecret() && tokenAuth(confidential) != profiles.AuthNone {
		if err := c.tokenSecretInQuery(confidential); err != nil {
			return err
		}
	}
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	s, err := c.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	d, err := c.issue(labels.Device, public)
	if err != nil {
		return err
	}
	if err := unfinished(c.visit(s, d.task(string(transcript.Approve), transcript.Approve))); err != nil {
		return err
	}
	variant := c.approveVariant(s, public)
	c.leavePages()
	var plain, varied wire.Exchange
	if err := together(
		func() (err error) {
			plain, err = c.redeemMisplaced(d, public)
			return
		},
		func() (err error) {
			if variant != nil {
				varied, err = variant.collectVaried(labels.Join(labels.Variant, labels.Token))
			}
			return
		},
	); err != nil || variant == nil {
		return err
	}
	return c.followVariant(public, varied, plain)
}

// redeemMisplaced asks for the token of an approved code in ways that no server has to
// understand, and then as it should.
func (c *conversation) redeemMisplaced(d *device, public *profiles.Client) (wire.Exchange, error) {
	form := c.tokenForm(public, d.deviceCode)
	get := d.request(labels.MethodGET)
	get.Method, get.URL, get.Body = "GET", withQuery(d.tokenEndpoint, form), nil
	get.Header.Del("Content-Type")
	if x, err := d.askPaced(get); err != nil || gaveToken(x) {
		return x, err
	}
	put := d.request(labels.MethodPUT)
	put.Method = "PUT"
	if x, err := d.askPaced(put); err != nil || gaveToken(x) {
		return x, err
	}
	query := c.tokenRequest(labels.QueryCode, public, form.Without("device_code"))
	query.URL = withQuery(query.URL, wire.Form{{Name: "device_code", Value: d.deviceCode}})
	if x, err := d.askPaced(query); err != nil || gaveToken(x) {
		return x, err
	}
	return d.collect(labels.Redeem, patience)
}

// tokenTypes uses a pending code: a body that is read is answered like a poll.
func (c *conversation) tokenTypes(client *profiles.Client) error {
	d, err := c.issue(labels.Join(labels.Types, labels.Device), client)
	if err != nil {
		return err
	}
	d.pollNow(labels.TypesControl)
	form := identifying(c.tokenForm(client, d.deviceCode), client, tokenAuth(client))
	if client.Secret != nil && tokenAuth(client) == profiles.AuthPost {
		form = form.Set("client_secret", client.Secret.Reveal())
	}
	for _, body := range otherTypes(form) {
		r := d.request(labels.Join(labels.Type, body.name))
		r.Header.Del("Content-Type")
		if body.mediaType != "" {
			r.Header.Set("Content-Type", body.mediaType)
		}
		r.URL, r.Body = d.tokenEndpoint, body.bytes
		if body.name == labels.Charset {
			d.ask(r) // slow_down says that the body was read, too
		} else {
			d.question(r)
		}
	}
	d.pollNow(labels.TypesAfter)
	return nil
}

// tokenSecretInQuery uses a pending code: whoever is authenticated is told so.
func (c *conversation) tokenSecretInQuery(client *profiles.Client) error {
	d, err := c.issue(labels.Join(labels.Secret, labels.Device), client)
	if err != nil {
		return err
	}
	form := c.tokenForm(client, d.deviceCode)
	d.question(c.bareTokenRequest(labels.SecretNone, form))
	r := c.bareTokenRequest(labels.SecretQuery, form)
	r.URL = withQuery(r.URL, wire.Form{{Name: "client_secret", Value: client.Secret.Reveal()}})
	// Paced: slow_down would say nothing about the secret.
	if _, err := d.askPaced(r); err != nil {
		return err
	}
	d.pollNow(labels.SecretRight)
	return nil
}
