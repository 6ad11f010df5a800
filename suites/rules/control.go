package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// wasPending is the control of every rule that says an act ended, revoked or
// overturned a grant: before it, a poll of the same device was answered as for a
// pending code. Without one the rule is inconclusive.
func (j *judging) wasPending(x said) bool {
	if end := j.endsByItself(); end != "" {
		j.inconclusive("%s, and so ends a grant that is only polled: %s (see POLL-01)", describe(x.Exchange), end)
		return false
	}
	if !j.foundPending(x) {
		j.inconclusive("%s, and no poll of this device was answered authorization_pending before: the cause is unknown", describe(x.Exchange))
		return false
	}
	return true
}

// foundPending says that an earlier poll of the same device was answered as for a
// pending code. slow_down alone may come before the server looks the code up.
func (j *judging) foundPending(x said) bool {
	code := x.Form().Get("device_code")
	return slices.ContainsFunc(j.Transcripts[x.scenario].Exchanges, func(before wire.Exchange) bool {
		return before.N < x.N && hasError(before, "authorization_pending") && before.Form().Get("device_code") == code
	})
}

// byThatAct is the control of every rule that says an act approved a grant: a
// grant that nobody touched brings no token, and no earlier poll of the same device
// had one. Without it the rule is inconclusive.
func (j *judging) byThatAct(x said) bool {
	for _, untouched := range j.all(steady, labels.Poll) {
		if hasToken(untouched.Exchange) {
			j.inconclusive("%s, but a device that is only polled gets a token too (see POLL-01)", describe(x.Exchange))
			return false
		}
	}
	code := x.Form().Get("device_code")
	for _, before := range j.Transcripts[x.scenario].Exchanges {
		if before.N < x.N && hasToken(before) && code != "" && before.Form().Get("device_code") == code {
			j.inconclusive("%s, but this device had a token before", describe(x.Exchange))
			return false
		}
	}
	return true
}

// endsByItself says how a grant ended that was polled as it should be and that
// nobody touched; "" if none did.
func (j *judging) endsByItself() string {
	for _, x := range j.all(steady, labels.Poll) {
		if x.EndsGrant() {
			return describe(x.Exchange)
		}
	}
	return ""
}

// isPoll says that an exchange is a device access token request.
func (j *judging) isPoll(x wire.Exchange) bool {
	return x.Method == "POST" && isAt(x, j.Endpoints.Token, j.Endpoints.MTLSToken) && x.Form().Has("device_code")
}

// isAt says that an exchange is with one of the endpoints, whatever its query.
func isAt(x wire.Exchange, endpoints ...string) bool {
	bare, _, _ := strings.Cut(x.URL, "?")
	return slices.ContainsFunc(endpoints, func(endpoint string) bool {
		own, _, _ := strings.Cut(endpoint, "?")
		return own != "" && own == bare
	})
}

// speaksForItself are the rules that judge although no regular poll is understood:
// POLL-01 says so, and DA-15 has controls of its own. What all others found then is a
// consequence.
var speaksForItself = []string{"POLL-01", "DA-15"}

// notUnderstood says why no answer to a poll can be taken for one, "" where one
// can: somewhere a poll was answered as RFC 8628 section 3.5 says, or nothing is
// known of regular polls.
func (j *judging) notUnderstood() string {
	for _, name := range sortedNames(j.Transcripts) {
		if slices.ContainsFunc(j.Transcripts[name].Exchanges, func(x wire.Exchange) bool { return recognised(x) || hasError(x, "access_denied") }) {
			return ""
		}
	}
	polls := j.all(steady, labels.Poll)
	if len(polls) == 0 {
		return ""
	}
	if wantsProof(polls[0]) {
		return noProof(polls[0].Exchange)
	}
	return fmt.Sprintf("the token endpoint does not answer a regular poll as RFC 8628 describes (see POLL-01): %s", describe(polls[0].Exchange))
}

func noProof(x wire.Exchange) string {
	return fmt.Sprintf("this client must use DPoP (RFC 9449), and the regular polls do not: %s; set clients.public to a client without it", describe(x))
}

// consequence withholds a judgement that rests on polls where no regular poll is
// understood.
func (j *judging) consequence(id string, r Judgement) Judgement {
	if !j.polled || slices.Contains(speaksForItself, id) || r.Verdict != Pass && r.Verdict != Fail && r.Verdict != Warn && r.Verdict != Info {
		return r
	}
	why := j.notUnderstood()
	if why == "" {
		return r
	}
	r.Findings = slices.Clone(r.Findings)
	proven := false
	for i := range r.Findings {
		if j.restsOnPolls(r.Findings[i]) {
			r.Findings[i].Severity, r.Findings[i].Strict = Info, false
		}
		proven = proven || r.Verdict != Info && r.Findings[i].Severity == r.Verdict
	}
	if !proven {
		r.Verdict, r.Reason = Inconclusive, why
	}
	return r
}

// restsOnPolls says that a finding shows nothing but answers to polls.
func (j *judging) restsOnPolls(f Finding) bool {
	for _, ref := range f.Exchanges {
		for _, x := range j.Transcripts[ref.Scenario].Exchanges {
			if x.N == ref.N && !j.isPoll(x) {
				return false
			}
		}
	}
	return true
}

// Reads are the scenarios that the rule may look at: its own, those that run for
// other rules, and the regular polls that are the control of all others.
func (r Rule) Reads() []string {
	reads := slices.Concat(r.Scenarios, r.Also)
	if !slices.Contains(reads, transcript.SteadyPolling) {
		reads = append(reads, transcript.SteadyPolling)
	}
	return reads
}
