package rules

import (
	"cmp"
	"fmt"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// misleads says what an error tells a device that is not so, and "" for an error
// that is merely another one than expected. RFC 8628 section 3.5 defines these codes
// by the state of a grant: none is the right word for a request without a valid one.
// expired_token is not among them, since a server may forget a code that has expired
// and then cannot tell it from one that it never issued.
func misleads(x wire.Exchange) string {
	switch x.OAuthError() {
	case "access_denied":
		return "which tells the device that its authorization request was denied"
	case "authorization_pending":
		return "which keeps the device polling"
	}
	return ""
}

// misleadsForCodes is misleads at the device authorization endpoint, where no code
// can have expired, and where access_denied may be about the client: the
// authorization server may deny a request, too (RFC 6749 section 4.1.2.1).
func misleadsForCodes(x wire.Exchange) string {
	switch x.OAuthError() {
	case "expired_token":
		return "which tells the device that its codes have expired"
	case "authorization_pending":
		return misleads(x)
	}
	return ""
}

// contradicts is a failure: the error has a meaning, and it is not that of the case.
func (j *judging) contradicts(x said, right, what string) {
	j.fail("contradicting-error", quoted(right), fmt.Sprintf("%s for %s, %s", describe(x.Exchange), what, cmp.Or(misleads(x.Exchange), misleadsForCodes(x.Exchange))), x)
}
