package scenario

import (
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// manyCodes is how many codes the run gets before one that is gone may be gone
// because of them: some stores keep the latest hundred grants and no more.
const manyCodes = 30

// known looks at the answer to a regular poll. Where the target no longer knows a
// code that it did know, and many others were issued meanwhile, nothing else can be
// concluded from that: the scenario is told again when nobody else asks for codes.
func (d *device) known(x wire.Exchange) wire.Exchange {
	e := x.OAuthError()
	defer func() {
		d.pending = d.pending || e == "authorization_pending"
		d.ended = d.ended || d.redeemed || e == "access_denied" || e == "expired_token"
	}()
	others := d.c.issuedCodes.Load() - d.nth
	if e != "invalid_grant" || d.ended || d.redeemed || others < manyCodes {
		return x
	}
	over := d.lifetime > 0 && x.Received > d.issued+d.lifetime-d.guard()
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
