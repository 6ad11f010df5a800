package scenario

import (
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
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
// logged-in/absolute, logged-in/protocol-relative. Attacks of the same names.
// Labels: device/NAME.
func redirection(c *conversation) error {
	client, err := c.bait()
	if err != nil {
		return err
	}
	login := ""
	for _, shape := range []string{"absolute", "protocol-relative"} {
		s, err := c.victim()
		if err != nil {
			return err
		}
		j, err := c.leadOn(s, client, "verification_uri/"+shape, shape, func(d *device) string { return d.verificationURI })
		for _, step := range j.Steps {
			if login == "" && (step.Page == "login" || step.Page == "identifier") {
				login = step.URL
			}
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
		_, err = c.leadOn(s, client, "login/"+shape, shape, func(*device) string { return login })
		if closed := s.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leadOn lets a person approve from a poisoned start, and notes where the
// browser was sent.
func (c *conversation) leadOn(s useragent.Attacker, client *profiles.Client, name, shape string, start func(*device) string) (transcript.Journey, error) {
	d, err := c.issue("device/"+name, client)
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
	task.Start = addTo(from, onwardParameters, func(parameter string) string { return away + parameter })
	j := c.visit(s, task)
	c.attacked(transcript.Attack{
		Name: name, Method: "GET", URL: task.Start, Delivered: len(j.Steps) > 0, Ended: lastURL(j),
		Seen: s.Landed(name + "/"),
	})
	return j, nil
}
