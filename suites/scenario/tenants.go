package scenario

import (
	"fmt"
	"net/url"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// tenants carries codes, clients, end users and tokens of one tenant to another.
// "Here" is the tenant that the whole run is about, "there" the second one. What
// both share (an endpoint, a client id, an account) is not tried: it would be at
// home in either.
//
// Labels: document/1 ... (the metadata there); own/device, own/token/1 ...,
// own/introspection (a code of there at home: the control; its token,
// introspected here); client/device (a client of here at the device authorization
// endpoint there); pending and approved, each with /device (codes of here),
// /our client, /their client (at the token endpoint there) and /owner (here)
// below it; page/device, page/owner (a code of here, entered there); guest/device,
// guest/owner (an end user of there, at the pages here). Journeys: own, page, guest,
// approve.
func tenants(c *conversation) error {
	there := c.Profile.Tenant
	if there == nil {
		return absent("the profile has no second tenant (tenant)")
	}
	at, err := c.tenantEndpoints(there)
	if err != nil {
		return err
	}
	abroad := abroad{c: c, ours: c.Profile.Clients.Public, theirs: there.Clients.Public, at: at}
	own, err := c.issueAt(labels.OwnDevice, there.Clients.Public, at)
	if err != nil {
		return err
	}
	if abroad.ours.ID != abroad.theirs.ID && at.DeviceAuthorization != c.Target.Endpoints.DeviceAuthorization {
		c.send(c.deviceRequestAt(labels.ClientDevice, at.DeviceAuthorization, abroad.ours, c.deviceForm(abroad.ours)))
	}
	devices, err := c.issueEach(abroad.ours, []string{labels.Pending, labels.Approved, labels.Page, labels.Guest})
	if err != nil {
		return err
	}
	pending, approved, page, guest := devices[0], devices[1], devices[2], devices[3]
	abroad.present(labels.Pending, pending)
	if _, err := pending.poll(labels.PendingOwner); err != nil {
		return err
	}

	if err := c.afterPages(transcript.Denial, transcript.Approval, transcript.EarlyApproval); err != nil {
		return err
	}
	dora := account(there.Users.First)
	task := own.task(labels.Own, transcript.Approve)
	task.Account = dora
	if _, err := c.visitOnce(task); err != nil {
		return err
	}
	// A hook may decide past the page and the login that would refuse it.
	if own.verificationURI != page.verificationURI && !c.hooked() {
		task := page.task(labels.Page, transcript.Approve)
		task.Start, task.Complete, task.Account = own.verificationURI, "", dora
		if _, err := c.visitOnce(task); err != nil {
			return err
		}
	}
	if here := account(c.Profile.Users.First); !c.hooked() && (here == nil || here.Username != dora.Username) {
		task := guest.task(labels.Guest, transcript.Approve)
		task.Account = dora
		if _, err := c.visitOnce(task); err != nil {
			return err
		}
	}
	if _, err := c.visitOnce(approved.task(labels.Approve, transcript.Approve)); err != nil {
		return err
	}
	c.leavePages()

	abroad.present(labels.Approved, approved)
	if _, err := approved.collect(labels.ApprovedOwner, patience); err != nil {
		return err
	}
	for _, d := range []struct {
		label string
		*device
	}{{labels.PageOwner, page}, {labels.GuestOwner, guest}} {
		if _, err := d.poll(d.label); err != nil {
			return err
		}
	}
	x, err := own.collect(labels.OwnToken, patience)
	if err != nil {
		return err
	}
	c.introspectHere(labels.OwnIntrospection, x, at)
	return nil
}

// abroad presents codes of here at the token endpoint there.
type abroad struct {
	c            *conversation
	ours, theirs *profiles.Client
	at           profiles.Endpoints
}

func (a abroad) present(state string, d *device) {
	for _, by := range []struct {
		name   string
		client *profiles.Client
	}{{labels.TheirClient, a.theirs}, {labels.OurClient, a.ours}} {
		if by.client == a.ours && (a.ours.ID == a.theirs.ID || a.at.Token == a.c.Target.Endpoints.Token) {
			continue
		}
		d.question(a.c.tokenRequestAt(state+"/"+by.name, a.at.Token, by.client, a.c.tokenForm(by.client, d.deviceCode)))
	}
}

// tenantEndpoints are those of the profile, completed by the metadata there. A
// document does not choose another origin for the second tenant's credentials.
func (c *conversation) tenantEndpoints(t *profiles.Tenant) (profiles.Endpoints, error) {
	at := t.Endpoints
	known := Target{Issuer: t.Issuer, Endpoints: t.Endpoints}
	for i, address := range MetadataURLs(t.Issuer) {
		if at.DeviceAuthorization != "" && at.Token != "" {
			break
		}
		x := c.send(wire.Get(labels.Nth(labels.Document, i+1), address))
		o, err := x.Object()
		if err != nil || x.Status != 200 {
			continue
		}
		for _, e := range []struct {
			endpoint *string
			member   string
		}{{&at.DeviceAuthorization, "device_authorization_endpoint"}, {&at.Token, "token_endpoint"}} {
			if value, _ := o.String(e.member); *e.endpoint == "" && known.ownOrigin(c.Profile, value) && usable(c.Profile, value) {
				*e.endpoint = value
			}
		}
	}
	if at.DeviceAuthorization == "" || at.Token == "" {
		return at, fmt.Errorf("the second tenant's metadata (%s) names no endpoints at an origin in the profile: set tenant.endpoints", t.Issuer)
	}
	return at, nil
}

// usable says that requests may go to a discovered address.
func usable(p *profiles.Profile, address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http" && p.TLS.AllowHTTP)
}

// introspectHere asks the introspection endpoint of here about a token of there.
func (c *conversation) introspectHere(label string, token wire.Exchange, at profiles.Endpoints) {
	o, err := token.Object()
	client, place := c.Profile.Clients.Confidential, c.Target.Endpoints.Introspection
	if err != nil || client == nil || place == "" || place == at.Introspection {
		return
	}
	if access, _ := o.String("access_token"); access != "" {
		c.send(c.aboutToken(label, place, client, access))
	}
}
