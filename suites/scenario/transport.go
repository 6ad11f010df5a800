package scenario

import (
	"crypto/tls"
	"net/url"

	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// transport tries what TLS is there to prevent. The requests hold no secret: no
// code and no client secret goes out in the clear.
//
// Labels: certificate/HOST (a GET with all verification, one for each host that
// serves an endpoint or the page); http/device, http/token (a made-up device
// code), http/page, https/page (the same page for comparison); tls/1.3, tls/1.2
// (the control: one of them must work), tls/1.1, tls/1.0.
func transport(c *conversation) error {
	endpoint := c.Target.Endpoints.DeviceAuthorization
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" {
		return absent("the server uses http, as the profile allows (tls.allow_http)")
	}
	public := c.Profile.Clients.Public
	d, err := c.issue(labels.Control, public)
	if err != nil {
		return err
	}

	seen := map[string]bool{}
	verifying := c.Wire.WithTLS(func(t *tls.Config) { t.InsecureSkipVerify = false })
	defer verifying.Close()
	for _, address := range []string{endpoint, c.Target.Endpoints.Token, d.verificationURI} {
		if a, err := url.Parse(address); err == nil && a.Scheme == "https" && a.Host != "" && !seen[a.Host] {
			seen[a.Host] = true
			c.sendWith(verifying, wire.Get(labels.Join(labels.Certificate, a.Host), address))
		}
	}

	if plain := overHTTP(endpoint); plain != "" {
		c.send(post(labels.Join(labels.HTTP, labels.Device), plain, c.deviceForm(public), c.Profile.Request.DeviceAuthorization))
	}
	if plain := overHTTP(c.Target.Endpoints.Token); plain != "" {
		c.send(wire.Post("http/token", plain, c.tokenForm(public, c.random.word(43))))
	}
	if plain := overHTTP(d.verificationURI); plain != "" {
		c.send(wire.Get(labels.Join(labels.HTTP, labels.Page), plain))
		c.send(wire.Get(labels.HTTPSPage, d.verificationURI))
	}

	for _, v := range []struct {
		label   string
		version uint16
	}{
		{labels.Join(labels.TLS, "1.3"), tls.VersionTLS13}, {labels.Join(labels.TLS, "1.2"), tls.VersionTLS12},
		{labels.Join(labels.TLS, "1.1"), tls.VersionTLS11}, {labels.Join(labels.TLS, "1.0"), tls.VersionTLS10},
	} {
		client := c.Wire.WithTLS(func(t *tls.Config) {
			t.MinVersion, t.MaxVersion, t.CipherSuites = v.version, v.version, everyCipherSuite()
			// HTTP/2 needs TLS 1.2.
			t.NextProtos = []string{"http/1.1"}
		})
		c.sendWith(client, wire.Get(v.label, endpoint))
		client.Close()
	}
	return c.ctx.Err()
}

// overHTTP is the same URL with the scheme http; "" for one that is not https.
func overHTTP(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return ""
	}
	u.Scheme = "http"
	return u.String()
}

func everyCipherSuite() (ids []uint16) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}
