package rules

import (
	"fmt"
	"slices"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// alias is a word that a profile may declare to be spelled otherwise, and the
// rule whose matter that is: the others understand it.
type alias struct {
	member, code string // one of the two
	rule         string
	severity     Verdict
}

// aliases: a member that a device needs is missing for every device that was
// not written for this server; an error code that it need not tell from another
// is a warning, as it is without the declaration.
var aliases = []alias{
	{member: "device_code", rule: "RESP-03", severity: Fail},
	{member: "user_code", rule: "RESP-04", severity: Fail},
	{member: "verification_uri", rule: "RESP-05", severity: Fail},
	{member: "expires_in", rule: "RESP-07", severity: Fail},
	{member: "interval", rule: "RESP-08", severity: Fail},
	{member: "verification_uri_complete", rule: "RESP-09", severity: Warn},
	{member: "access_token", rule: "TOKEN-09", severity: Fail},
	{member: "token_type", rule: "TOKEN-09", severity: Fail},
	{member: "refresh_token", rule: "TOKEN-09", severity: Warn},
	{member: "scope", rule: "TOKEN-11", severity: Warn},
	{member: "id_token", rule: "TOKEN-15", severity: Fail},
	{member: "error", rule: "ERR-02", severity: Fail},
	{code: "authorization_pending", rule: "POLL-01", severity: Fail},
	{code: "slow_down", rule: "POLL-03", severity: Fail},
	{code: "access_denied", rule: "POLL-08", severity: Fail},
	{code: "expired_token", rule: "POLL-10", severity: Fail},
	{code: "invalid_grant", rule: "TOKEN-03", severity: Warn},
	{code: "invalid_client", rule: "DA-09", severity: Warn},
	{code: "invalid_request", rule: "TOKEN-02", severity: Warn},
	{code: "invalid_scope", rule: "DA-08", severity: Warn},
	{code: "unauthorized_client", rule: "DA-10", severity: Warn},
	{code: "unsupported_grant_type", rule: "TOKEN-01", severity: Warn},
}

// aliasUsed is the finding of a declared spelling.
const aliasUsed = "alias"

// aliases reports that the target spells otherwise what this rule is about.
func (j *judging) aliases(rule string) {
	if j.Profile == nil {
		return
	}
	for _, a := range aliases {
		own := j.Profile.Responses.Members[a.member]
		word := a.member
		if a.code != "" {
			own, word = j.Profile.Responses.Errors[a.code], a.code
		}
		if a.rule != rule || own == "" {
			continue
		}
		if x, used := j.spelled(a, own); used {
			j.find(a.severity, aliasUsed, word, fmt.Sprintf("%s, as declared in the profile", own), []said{x})
		}
	}
}

// spelled finds an answer with the target's own word.
func (j *judging) spelled(a alias, own string) (said, bool) {
	for _, name := range sortedNames(j.Transcripts) {
		for _, x := range j.Transcripts[name].Exchanges {
			translated, err := x.Object()
			if err != nil {
				continue
			}
			literal, err := x.Spelled()
			if err != nil {
				continue
			}
			was, _ := literal.String("error")
			if a.member != "" && translated.Has(a.member) && !literal.Has(a.member) || a.code != "" && was == own {
				return said{x, name}, true
			}
		}
	}
	return said{}, false
}

func sortedNames(all map[string]transcript.Transcript) []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// translate lets every exchange be read in the target's dialect. The
// transcripts are shared, so they are copied.
func (e *Evidence) translate() {
	if e.Profile == nil {
		return
	}
	r := e.Profile.Responses
	dialect := wire.DialectOf(r.Format, r.Members, r.Errors)
	if dialect == nil {
		return
	}
	all := make(map[string]transcript.Transcript, len(e.Transcripts))
	for name, t := range e.Transcripts {
		t.Exchanges = slices.Clone(t.Exchanges)
		for i := range t.Exchanges {
			t.Exchanges[i].Dialect = dialect
		}
		all[name] = t
	}
	e.Transcripts = all
}

// Declared returns the deviations that follow from other keys of a profile, so
// that its baseline does not have to repeat them.
func Declared(p *profiles.Profile) (list []profiles.Deviation) {
	r := p.Responses
	declare := func(check, code string, expect Verdict, key string) {
		list = append(list, profiles.Deviation{Check: check, Code: code, Expect: string(expect), Reason: "declared in the profile: " + key})
	}
	for _, a := range aliases {
		if r.Members[a.member] != "" {
			declare(a.rule, aliasUsed, a.severity, "responses.members."+a.member)
		}
		if r.Errors[a.code] != "" {
			declare(a.rule, aliasUsed, a.severity, "responses.errors."+a.code)
		}
	}
	if len(r.Errors) > 0 {
		declare("ERR-05", aliasUsed, Warn, "responses.errors")
	}
	for _, code := range registeredErrors {
		if status := r.Statuses[code]; status != 0 {
			declare("ERR-01", fmt.Sprintf("%d-%s", status, code), Fail, "responses.statuses."+code)
		}
	}
	if r.Format == "form" {
		const key = "responses.format"
		declare("RESP-01", "media-type", Fail, key)
		declare("RESP-02", "not-an-object", Fail, key)
		declare("TOKEN-09", "media-type", Fail, key)
		declare("ERR-02", "body", Fail, key)
	}
	if required := p.Capabilities.ScopeRequired; required != nil && *required {
		declare("DA-07", "other-error", Warn, "capabilities.scope_required")
	}
	if p.Request.DeviceAuthorization.ParamsIn == "query" {
		declare("DA-02", "parameters-from-query", Warn, "request.device_authorization.params_in")
	}
	if p.Request.Token.ParamsIn == "query" {
		declare("TOKEN-06", "code-from-query", Warn, "request.token.params_in")
	}
	return list
}
