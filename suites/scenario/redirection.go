package scenario

import (
	"net/url"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// onwardParameters are names under which pages take the address of the next.
var onwardParameters = []string{
	"redirect_uri", "redirect", "redirect_url", "return_to", "returnUrl", "return", "next", "continue", "url", "target", "goto", "callback_url", "error", "rd",
}

// redirection gives the pages a foreign address to go on to, under all the
// usual names at once, and sees whether a browser ends there: on opening the
// page, after the login, or after the decision. The path of the foreign
// address tells which parameter it was.
//
// Journeys: verification_uri/absolute (which approves),
// verification_uri/protocol-relative, login/absolute, login/protocol-relative,
// logged-in/absolute, logged-in/protocol-relative; without/SHAPE, with nothing
// added, where verification_uri/SHAPE does not get to the login page. Attacks
// of the same names, without the last. Labels: device/NAME.
func redirection(c *conversation) error {
	client, err := c.bait()
	if err != nil {
		return err
	}
	// Whoever needs to be asked about this client comes first: some servers do not
	// ask again after an approval.
	if err := c.afterPages(transcript.Framing, transcript.CrossSite, transcript.TwoPeople); err != nil {
		return err
	}
	login := ""
	for _, shape := range []string{labels.Absolute, "protocol-relative"} {
		s, err := c.victim()
		if err != nil {
			return err
		}
		j, err := c.leadOn(s, client, labels.Join(labels.VerificationURI, shape), shape, func(d *device) string { return d.verificationURI })
		if login == "" {
			login = loginPage(j)
		}
		if login == "" && err == nil && j.Outcome != transcript.Approved {
			// The poisoned address may lead nowhere. Its own leads to the login.
			login, err = c.loginWithout(client, "without/"+shape)
		}
		if err == nil {
			// Whoever is logged in already is often sent on at once.
			_, err = c.leadOn(s, client, "logged-in/"+shape, shape, func(d *device) string {
				if login != "" {
					return login
				}
				return d.verificationURI
			})
		}
		if closed := s.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
		if login == "" {
			continue
		}
		if s, err = c.victim(); err != nil {
			return err
		}
		_, err = c.leadOn(s, client, labels.Join(labels.Login, shape), shape, func(*device) string { return login })
		if closed := s.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// loginPage is where the end user was asked to log in.
func loginPage(j transcript.Journey) string {
	for _, step := range j.Steps {
		if step.Page == "login" || step.Page == "identifier" {
			return step.URL
		}
	}
	return ""
}

// loginWithout finds the login page from an address without foreign ones.
func (c *conversation) loginWithout(client *profiles.Client, name string) (string, error) {
	d, err := c.issue(labels.Join(labels.Device, name), client)
	if err != nil {
		return "", err
	}
	j, err := c.visitOnce(d.task(name, transcript.ReachDecision))
	return loginPage(j), err
}

// leadOn lets an end user approve from a poisoned start, and notes where the
// browser was sent.
func (c *conversation) leadOn(s useragent.Attacker, client *profiles.Client, name, shape string, start func(*device) string) (transcript.Journey, error) {
	if err := c.takeTurn(s); err != nil {
		return transcript.Journey{}, err
	}
	d, err := c.issue(labels.Join(labels.Device, name), client)
	if err != nil {
		return transcript.Journey{}, err
	}
	from := start(d)
	away, err := s.Lure(from, name+"/")
	if err != nil {
		return transcript.Journey{}, err
	}
	if shape != "absolute" {
		_, away, _ = strings.Cut(away, ":")
	}
	task := d.task(name, transcript.Approve)
	task.Start = pointAway(from, away)
	j := c.visit(s, task)
	c.attacked(transcript.Attack{
		Name: name, Method: "GET", URL: task.Start, Delivered: len(j.Steps) > 0, Ended: lastURL(j),
		Seen: s.Landed(name + "/"),
	})
	return j, nil
}

// pointAway puts the foreign address into all parameters for the next page, in
// place of the page's own too: that one is followed for certain.
func pointAway(address, away string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := u.Query()
	for _, name := range onwardParameters {
		query.Set(name, away+name)
	}
	u.RawQuery = query.Encode()
	return u.String()
}
