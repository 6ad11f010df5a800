package chromium

import (
	"context"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// pagesKind is what the browser has learned of the target's pages.
type pagesKind struct {
	// approved: an end user approved, and was told so.
	approved bool
	// scripted: some page had one.
	scripted bool
}

// NewErrand implements useragent.Errander. To pages that work without scripts a
// browser and the forms driver send the same, so that errands need no browser: it
// is by far the dearest part of a run. Nothing is guessed: until the browser has
// seen a whole approval on such pages, and after it has seen a script anywhere,
// every errand is a browser's.
func (c *chrome) NewErrand(ctx context.Context) (useragent.Agent, error) {
	c.mu.Lock()
	sparing := c.pages.approved && !c.pages.scripted && !c.browser.Remote()
	c.mu.Unlock()
	if sparing {
		return c.forms.NewAgent(ctx)
	}
	return c.NewAgent(ctx)
}

// learn notes what the pages of a journey were like.
func (c *chrome) learn(j *transcript.Journey, scripted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages.scripted = c.pages.scripted || scripted
	if j.Goal == transcript.Approve && j.Outcome == transcript.Approved && j.CodeTyped && j.Confirmed {
		c.pages.approved = true
	}
}
