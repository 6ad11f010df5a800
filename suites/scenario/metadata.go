package scenario

import (
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// metadata reads the documents of RFC 8414 section 3.1 and of OpenID Connect
// Discovery, then posts a valid request to the endpoint they name.
//
// Labels: document/1, document/2, ... in the order of [MetadataURLs];
// advertised (POST to the advertised endpoint); tenant/1 ... (the documents of a
// second tenant).
func metadata(c *conversation) error {
	addresses := metadataURLs(c.Profile)
	if len(addresses) == 0 {
		return absent("the profile turns discovery off or names no issuer")
	}
	if t := c.Profile.Tenant; t != nil {
		for i, address := range MetadataURLs(t.Issuer) {
			c.send(wire.Get(labels.Nth(labels.Tenant, i+1), address))
		}
	}
	advertised := ""
	for i, address := range addresses {
		x := c.send(wire.Get(labels.Nth(labels.Document, i+1), address))
		if o, err := x.Object(); err == nil && x.Status == 200 && advertised == "" {
			advertised, _ = o.String("device_authorization_endpoint")
		}
	}
	if advertised == "" {
		return nil
	}
	if !c.ownOrigin(advertised) {
		return nil // a document must not choose who gets our credentials
	}
	client := c.Profile.Clients.Public
	c.send(c.deviceRequestAt(labels.Advertised, advertised, client, c.deviceForm(client)))
	return nil
}

// ownOrigin says that a URL is at an origin which the profile names.
func (c *conversation) ownOrigin(address string) bool { return c.Target.ownOrigin(c.Profile, address) }
