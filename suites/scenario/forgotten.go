package scenario

import (
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// manyCodes is how many codes the run gets before one that is gone may be gone
// because of them: some stores keep the latest hundred grants and no more.
const manyCodes = 30

// issuedElsewhere counts the codes of all other conversations.
func (c *conversation) issuedElsewhere() int64 { return c.issuedCodes.Load() - c.issuedOwn.Load() }

// known looks at the answer to a regular poll. Where the target no longer knows a
// code that it did know, and other conversations got many codes meanwhile, nothing
// else can be concluded from that: the scenario is told again when nobody else asks
// for codes. What its own codes do to each other is its theme.
func (d *device) known(x wire.Exchange) wire.Exchange {
	e := x.OAuthError()
	defer func() {
		d.pending = d.pending || e == "authorization_pending"
		d.ended = d.ended || d.redeemed || e == "access_denied" || e == "expired_token"
	}()
	if e != "invalid_grant" || d.ended || d.redeemed {
		return x
	}
	over := d.lifetime > 0 && x.Received > d.issued+d.lifetime-d.guard()
	others := d.c.issuedElsewhere() - d.othersBefore
	if others < manyCodes {
		if !over {
			d.c.lost.Add(1)
		}
		return x
	}
	if !d.pending && !d.c.forgetful.Load() || over && !d.c.forgetful.Load() {
		return x
	}
	if !over {
		d.c.forgetful.Store(true)
	}
	d.ended = true
	d.c.late(transcript.LateForgotten, 0, time.Now(), "%s: the server no longer knew a code after it had issued %d others", x.Label, others)
	return x
}
