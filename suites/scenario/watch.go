package scenario

import (
	"strings"
	"unicode"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// watch lists what must not pass through the end user's user agent: the device
// code, and the clients' secrets. A value that could stand in a page by chance
// is not looked for.
func (d *device) watch() []useragent.Needle {
	var needles []useragent.Needle
	if len(d.deviceCode) >= minNeedle && !strings.Contains(d.userCode, d.deviceCode) {
		needles = append(needles, useragent.Needle{Name: "device_code", Value: d.deviceCode})
	}
	p := d.c.Profile
	for _, c := range []*profiles.Client{p.Clients.Confidential, p.Clients.NotAllowed} {
		if c == nil || c.Secret == nil {
			continue
		}
		if secret := c.Secret.Reveal(); distinctive(secret) && !public(p, secret) {
			needles = append(needles, useragent.Needle{Name: "client_secret of " + c.ID, Value: secret})
		}
	}
	return needles
}

// minNeedle is the length from which a value is not met by chance.
const minNeedle = 8

// distinctive says that a value is no word that a page might hold anyway.
func distinctive(value string) bool {
	letters := strings.ContainsFunc(value, unicode.IsLetter)
	digits := strings.ContainsFunc(value, unicode.IsDigit)
	return len(value) >= 2*minNeedle || len(value) >= minNeedle && letters && digits
}

// public says that a value is part of a name that pages may show.
func public(p *profiles.Profile, value string) bool {
	names := []string{p.Name, p.Title, p.BaseURL, p.Issuer, strings.Join(p.Scopes, " ")}
	for _, c := range []*profiles.Client{p.Clients.Public, p.Clients.Second, p.Clients.Confidential, p.Clients.NotAllowed} {
		if c != nil {
			names = append(names, c.ID, c.Name)
		}
	}
	for _, u := range []*profiles.User{p.Users.First, p.Users.Second} {
		if u != nil {
			names = append(names, u.Username.Reveal())
		}
	}
	for _, name := range names {
		if strings.Contains(name, value) {
			return true
		}
	}
	return false
}
