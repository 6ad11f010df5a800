package scenario

import (
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// crossOriginReads asks for the pages as a script of a foreign page would.
//
// Labels: device, page/verification_uri, page/verification_uri_complete,
// preflight.
func crossOriginReads(c *conversation) error {
	d, err := c.issue(labels.Device, c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	for _, start := range d.starts() {
		r := wire.Get(labels.Join(labels.Page, start.name), start.address)
		r.Header.Set("Origin", evilOrigin)
		r.Header.Set("Accept", "text/html")
		c.send(r)
	}
	preflight := wire.Get(labels.Preflight, d.verificationURI)
	preflight.Method = "OPTIONS"
	preflight.Header.Set("Origin", evilOrigin)
	preflight.Header.Set("Access-Control-Request-Method", "POST")
	preflight.Header.Set("Access-Control-Request-Headers", "content-type")
	c.send(preflight)
	return nil
}
