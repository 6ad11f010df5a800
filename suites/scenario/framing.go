package scenario

import (
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

// framing lets an end user see the pages that an attacker would like to lay under
// a page of their own, and then tries to put each of them into a frame of a
// hostile site, in the same browser.
//
// Journeys: decision, wrong code. Attacks: frame/ROLE for each kind of page
// that came up. Labels: device/decision, device/wrong code.
func framing(c *conversation) error {
	client, err := c.bait()
	if err != nil {
		return err
	}
	s, err := c.victim()
	if err != nil {
		return err
	}
	defer s.Close()
	_, j, err := c.lure(s, client, labels.Decision)
	if err != nil {
		return err
	}
	d, err := c.issue(labels.Join(labels.Device, labels.WrongCode), client)
	if err != nil {
		return err
	}
	task := d.task(labels.WrongCode, transcript.ReachDecision)
	task.UserCode = c.random.like(d.userCode)
	wrong := c.visit(s, task)
	c.leavePages()
	framed := map[string]bool{}
	for _, step := range append(j.Steps, wrong.Steps...) {
		if step.URL == "" || framed[step.Page] || len(framed) >= maxFrames {
			continue
		}
		framed[step.Page] = true
		c.attacked(s.Frame(c.ctx, labels.Join(labels.Frame, step.Page), step.URL))
	}
	return nil
}

const maxFrames = 8
