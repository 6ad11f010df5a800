package profiles

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// The words of the keys that say how a target differs.
var (
	issuerRules = []string{"exact", "ignore"}
	placements  = []string{"body", "query"}
	formats     = []string{"json", "form"}
	// aliasedMembers are those of RFC 8628 section 3.2 and RFC 6749 sections 5.1
	// and 5.2.
	aliasedMembers = []string{"device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval",
		"access_token", "token_type", "refresh_token", "scope", "id_token", "error"}
	// aliasedErrors are those of RFC 6749 section 5.2 and RFC 8628 section 3.5.
	aliasedErrors = []string{"authorization_pending", "slow_down", "access_denied", "expired_token",
		"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}
)

// checkResponses refuses what is no alias: an unknown name on the left, and
// one name for two things.
func (d *document) checkResponses(r *Responses) {
	d.oneOf("responses.format", r.Format, formats...)
	d.checkAliases("responses.members", r.Members, aliasedMembers, "a response member")
	d.checkAliases("responses.errors", r.Errors, aliasedErrors, "an error code")
	for _, code := range slices.Sorted(maps.Keys(r.Statuses)) {
		at := join("responses.statuses", code)
		switch {
		case !slices.Contains(aliasedErrors, code):
			d.reportAt(at, clip(code)+" is not an error code of RFC 6749 or RFC 8628", didYouMean(code, aliasedErrors))
		default:
			within(d, at, r.Statuses[code], 200, 599)
		}
	}
}

func (d *document) checkAliases(path string, aliases map[string]string, known []string, what string) {
	taken := map[string]string{}
	for _, standard := range slices.Sorted(maps.Keys(aliases)) {
		alias, at := aliases[standard], join(path, standard)
		switch {
		case !slices.Contains(known, standard):
			d.reportAt(at, clip(standard)+" is not "+what+" of RFC 6749 or RFC 8628", didYouMean(standard, known))
		case alias == "" || alias == standard:
			d.reportAt(at, "not a different name for "+standard, "leave it out")
		case slices.Contains(known, alias):
			d.reportAt(at, clip(alias)+" is itself a standard name", "if the server confuses two standard names, use the baseline")
		case taken[alias] != "":
			d.reportAt(at, fmt.Sprintf("%s is already the alias of %s", clip(alias), taken[alias]), "")
		}
		taken[alias] = standard
	}
}

// checkExpectations refuses values that no answer could have.
func (d *document) checkExpectations(e *Expectations) {
	for path, value := range map[string]int64{"expect.expires_in": int64(e.ExpiresIn), "expect.interval": int64(e.Interval)} {
		if value < 0 && !d.troubled(path) {
			d.reportAt(path, "expected 0s or more", "leave it out if the documentation gives none")
		}
	}
	if _, err := regexp.Compile(e.UserCode); err != nil {
		d.reportAt("expect.user_code", clip(e.UserCode)+" is not a regular expression", err.Error())
	}
}
