package scenario

import (
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// unprovenClient polls without saying who asks: without client_id as a public
// client, without the secret and with a wrong one as a confidential client. It
// does so with codes that are pending and with codes that were approved, and
// then redeems the approved ones as it should. The approved ones are also polled
// with HTTP Basic that proves nothing, and by the public client where they are the
// confidential one's.
//
// Labels: pending/public, pending/public/absent, pending/public/right;
// pending/confidential, pending/confidential/secretless, .../right;
// public/device, public/absent, public/failed basic, public/redeem/1 ...;
// confidential/device, confidential/secretless, confidential/wrong (with
// allow_lockouts), confidential/foreign, confidential/redeem/1 ... Journeys: approve public, approve confidential.
func unprovenClient(c *conversation) error {
	public, confidential := c.Profile.Clients.Public, c.Profile.Clients.Confidential
	if tokenAuth(public) != profiles.AuthNone {
		public = nil // it identifies itself by its secret
	}
	if confidential != nil && (!confidential.Authenticates() || tokenAuth(confidential) == profiles.AuthNone) {
		confidential = nil
	}
	if public == nil && confidential == nil {
		return absent("the profile has neither a public client nor one that authenticates")
	}
	nameless := func(label string, d *device) {
		d.question(c.bareTokenRequest(label, c.tokenForm(d.client, d.deviceCode).Without("client_id")))
	}
	secretless := func(label string, d *device) {
		d.question(c.bareTokenRequest(label, c.tokenForm(d.client, d.deviceCode)))
	}
	for _, p := range []struct {
		client *profiles.Client
		label  string
		omit   string
		ask    func(string, *device)
	}{{public, labels.Join(labels.Pending, labels.Public), "/" + labels.Absent, nameless}, {confidential, labels.Join(labels.Pending, labels.Confidential), "/" + labels.Secretless, secretless}} {
		if p.client == nil {
			continue
		}
		d, err := c.issue(p.label, p.client)
		if err != nil {
			return err
		}
		p.ask(p.label+p.omit, d)
		d.pollNow(labels.Join(p.label, labels.Right))
	}

	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	var first, second *device
	s, err := c.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	issue := func(name string, client *profiles.Client) (*device, error) {
		if client == nil {
			return nil, nil
		}
		d, err := c.issue(labels.Join(name, labels.Device), client)
		if err != nil {
			return nil, err
		}
		return d, c.approve(s, labels.Of(labels.Approve, name), d)
	}
	if first, err = issue(labels.Public, public); err != nil {
		return err
	}
	if second, err = issue(labels.Confidential, confidential); err != nil {
		return err
	}
	c.leavePages()
	return together(
		func() error {
			if first == nil {
				return nil
			}
			nameless(labels.Join(labels.Public, labels.Absent), first)
			if x := first.question(c.failedBasic(c.bareTokenRequest(labels.Join(labels.Public, labels.FailedBasic), c.tokenForm(public, first.deviceCode)))); gaveToken(x) {
				return nil
			}
			_, err := first.collect(labels.Join(labels.Public, labels.Redeem), patience)
			return err
		},
		func() error {
			if second == nil {
				return nil
			}
			secretless(labels.Join(labels.Confidential, labels.Secretless), second)
			if c.Profile.Limits.AllowLockouts {
				// A client may be locked or delayed after this.
				if err := c.after(transcript.DeviceAuthorization, transcript.DeviceErrors, transcript.EarlyApproval, transcript.TokenUse); err != nil {
					return err
				}
				imposter, err := c.imposter(confidential)
				if err != nil {
					return err
				}
				second.question(c.tokenRequest(labels.Join(labels.Confidential, labels.Wrong), imposter, c.tokenForm(imposter, second.deviceCode)))
			}
			if public != nil {
				second.question(c.tokenRequest(labels.Join(labels.Confidential, labels.Foreign), public, c.tokenForm(public, second.deviceCode)))
			}
			_, err := second.collect(labels.Join(labels.Confidential, labels.Redeem), patience)
			return err
		})
}

// imposter is a client with another secret, key or certificate than its own.
func (c *conversation) imposter(client *profiles.Client) (*profiles.Client, error) {
	return c.imposterFor(client, tokenAuth(client))
}

func (c *conversation) imposterFor(client *profiles.Client, method profiles.ClientAuth) (*profiles.Client, error) {
	switch {
	case method.IsTLS():
		certificate, err := likeCertificate(client.TLSCertificate())
		return client.WithCertificate(certificate), err
	case method.Signs():
		key, err := likeKey(client.SigningKey())
		return client.WithKey(key), err
	}
	imposter := *client
	guess := c.wrongSecret(*client.Secret, true)
	imposter.Secret = &guess
	return &imposter, nil
}

// failedBasic adds the credentials of a client that does not exist: no account can
// be locked by them.
func (c *conversation) failedBasic(r wire.Request) wire.Request {
	r.Header.Set("Authorization", wire.BasicAuth("x-devicegrant-"+c.random.word(16), c.random.word(24)))
	return r
}
