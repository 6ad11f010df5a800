package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Verdict is the outcome of one check.
type Verdict string

// The verdicts a rule can give. A baseline turns some of them into known and
// fixed; see the report package.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Warn         Verdict = "warn"
	Info         Verdict = "info"         // measured, not judged
	NA           Verdict = "na"           // the target lacks an optional feature
	Skip         Verdict = "skip"         // not selected, or did not fit
	Inconclusive Verdict = "inconclusive" // the evidence is missing
	Broken       Verdict = "error"        // our own fault
)

// Finding is one observation of a rule.
type Finding struct {
	// Code identifies the finding within its requirement, for baselines.
	Code string `json:"code"`
	// Severity is fail, warn or info.
	Severity Verdict `json:"severity"`
	// Strict says that --strict counts this warning as a failure.
	Strict bool `json:"strict,omitempty"`
	// Untried says that the finding is not an observation: the run was not
	// allowed to try a part of the check. The result of that part is unknown,
	// so no baseline entry of the check is stale.
	Untried   bool   `json:"untried,omitempty"`
	Expected  string `json:"expected"`
	Observed  string `json:"observed"`
	Exchanges []Ref  `json:"exchanges,omitempty"`
}

// Ref refers to one exchange of one scenario.
type Ref struct {
	Scenario string `json:"scenario"`
	N        int    `json:"n"`
}

// Judgement is the outcome of a rule.
type Judgement struct {
	Verdict  Verdict
	Reason   string
	Findings []Finding
}

// Evidence is what a rule may read.
type Evidence struct {
	Profile *profiles.Profile
	// Issuer and Endpoints are the resolved ones.
	Issuer    string
	Endpoints profiles.Endpoints
	// Transcripts are the scenarios that ran, by name.
	Transcripts map[string]transcript.Transcript
	// Redacted says that marks replace secrets; Facts then has what was
	// recorded about the values.
	Redacted bool
	Facts    Facts
}

// judging is one rule at work: what it looks at and what it finds.
type judging struct {
	Evidence
	findings  []Finding
	ok        []string // what was seen to be right
	obstacles []obstacle
	measured  string
	// polled says that the rule looked at an answer to a poll.
	polled bool
}

// obstacle is a part of the evidence that is missing, and what that makes of
// the verdict: inconclusive, na, skip or error.
type obstacle struct {
	verdict Verdict
	reason  string
}

// said is an exchange together with the scenario it belongs to.
type said struct {
	wire.Exchange
	scenario string
}

func (j *judging) find(severity Verdict, code, expected, observed string, evidence []said) *Finding {
	f := Finding{Code: code, Severity: severity, Expected: expected, Observed: observed}
	for _, x := range evidence {
		if x.N > 0 {
			f.Exchanges = append(f.Exchanges, Ref{x.scenario, x.N})
		}
	}
	j.findings = append(j.findings, f)
	return &j.findings[len(j.findings)-1]
}

func (j *judging) fail(code, expected, observed string, evidence ...said) {
	j.find(Fail, code, expected, observed, evidence)
}

func (j *judging) warn(code, expected, observed string, evidence ...said) {
	j.find(Warn, code, expected, observed, evidence)
}

// warnStrict is a warning that --strict counts as a failure.
func (j *judging) warnStrict(code, expected, observed string, evidence ...said) {
	j.find(Warn, code, expected, observed, evidence).Strict = true
}

// note records something worth knowing that is no judgement.
func (j *judging) note(code, observed string, evidence ...said) {
	j.find(Info, code, "", observed, evidence)
}

// untried is a note that a part of the check needs --allow-lockouts.
func (j *judging) untried(code, observed string) {
	j.find(Info, code, "", observed, nil).Untried = true
}

// pass records something that was seen to be right.
func (j *judging) pass(format string, args ...any) {
	j.ok = append(j.ok, fmt.Sprintf(format, args...))
}

// measure makes the verdict info: the text leaves the matter open.
func (j *judging) measure(code, observed string, evidence ...said) {
	j.note(code, observed, evidence...)
	j.measured = observed
}

func (j *judging) inconclusive(format string, args ...any) {
	j.obstacles = append(j.obstacles, obstacle{Inconclusive, fmt.Sprintf(format, args...)})
}

// onlyThrottled says that a request got slow_down, which is about the pace and
// not about what is wrong with the request. The scenario had asked again.
func (j *judging) onlyThrottled(x said, what string) bool {
	if !hasError(x.Exchange, "slow_down") {
		return false
	}
	j.inconclusive("slow_down for %s, and again at a slower pace: the server throttles before it looks at the request", what)
	return true
}

// perhapsThrottled is onlyThrottled for a request that was sent once.
func (j *judging) perhapsThrottled(x said, what string) bool {
	if !hasError(x.Exchange, "slow_down") {
		return false
	}
	j.inconclusive("slow_down for %s: that may be about the pace and not about the request", what)
	return true
}

func (j *judging) notApplicable(format string, args ...any) {
	j.obstacles = append(j.obstacles, obstacle{NA, fmt.Sprintf(format, args...)})
}

// all returns the answered exchanges of a scenario below a label. Answers that
// only say "overloaded" are left out: the scenario asked again.
func (j *judging) all(scenario, label string) []said {
	var list []said
	for _, x := range j.Transcripts[scenario].Labelled(label) {
		if x.Answered() && !x.Overloaded() {
			list = append(list, said{x, scenario})
			j.polled = j.polled || j.isPoll(x)
		}
	}
	return list
}

// first returns the first answered exchange below a label. A request that was
// sent and not answered, or that was never sent, is an obstacle.
func (j *judging) first(scenario, label string) (said, bool) {
	if list := j.all(scenario, label); len(list) > 0 {
		return list[0], true
	}
	j.missing(scenario, label)
	return said{}, false
}

// maybe is first for evidence that the rule can do without.
func (j *judging) maybe(scenario, label string) (said, bool) {
	if list := j.all(scenario, label); len(list) > 0 {
		return list[0], true
	}
	return said{}, false
}

// limitKey names the profile's key that keeps a run below the limit of an endpoint.
func (j *judging) limitKey(x wire.Exchange) string {
	switch {
	case x.Status != 429:
	case isAt(x, j.Endpoints.DeviceAuthorization, j.Endpoints.MTLSDeviceAuthorization):
		return "; if it allows so many a minute, set limits.device_authorization_per_minute"
	case isAt(x, j.Endpoints.Token, j.Endpoints.MTLSToken):
		return "; if it allows so many a minute, set limits.token_per_minute"
	}
	return ""
}

// missing records why there is no answer below a label.
func (j *judging) missing(scenario, label string) {
	t, ran := j.Transcripts[scenario]
	o := obstacle{verdict: Inconclusive}
	unanswered, sent := t.First(label)
	switch {
	case t.Broken != "":
		o = obstacle{Broken, "a bug in devicegrant: " + t.Broken}
	case sent && unanswered.Failure != nil:
		o.reason = fmt.Sprintf("%s got no answer (%s)", label, unanswered.Failure)
	case sent && unanswered.Cut:
		o.reason = fmt.Sprintf("the report kept only the beginning of the answer to %s: the server's answers exceed the size limit", label)
	case sent && unanswered.Overloaded():
		o.reason = fmt.Sprintf("the server answered %s with %d: overloaded or rate limited%s", label, unanswered.Status, j.limitKey(unanswered))
	case sent:
		o.reason = fmt.Sprintf("the server answered %s with %s", label, explained(unanswered))
	case t.Absent != "":
		o = obstacle{NA, t.Absent}
	case t.Skipped != "":
		o = obstacle{Skip, t.Skipped}
	case t.Aborted != "":
		o.reason = t.Aborted
	case !ran:
		o.reason = fmt.Sprintf("the scenario %q did not run", scenario)
	default:
		o.reason = fmt.Sprintf("the scenario %q did not reach %s", scenario, label)
		if n := len(t.Exchanges); n > 0 && (!t.Exchanges[n-1].Answered() || t.Exchanges[n-1].Status >= 400) {
			o.reason += ": its last answer was " + explained(t.Exchanges[n-1])
		}
	}
	if !slices.Contains(j.obstacles, o) {
		j.obstacles = append(j.obstacles, o)
	}
}

// journey returns a journey; one that is missing or unfinished is an obstacle.
func (j *judging) journey(scenario, name string) (transcript.Journey, bool) {
	visit, ok := j.Transcripts[scenario].Journey(name)
	if !ok {
		j.missing(scenario, "the journey "+name)
		return visit, false
	}
	if visit.Outcome == transcript.Unfinished {
		reason := "the user agent could not finish"
		if visit.Trouble != nil {
			reason = visit.Trouble.Error()
		}
		j.obstacles = append(j.obstacles, obstacle{Inconclusive, reason})
		return visit, false
	}
	return visit, true
}

// precedence of the obstacles' verdicts when nothing was judged.
var precedence = []Verdict{Broken, Inconclusive, Skip, NA}

// grave are findings that give something away. They head a check that has others
// of the same severity.
var grave = []string{"token", "second-token", "new-token", "two-tokens", "codes", "wrong-secret-accepted", "secret-from-query",
	"rebound", "decides", "decided-elsewhere", "denial-overturned", "other-person"}

// judgement sums up. What was proven decides, a failure before a warning; then
// missing evidence. Evidence that is missing because it does not apply or was not
// selected only decides when nothing else was judged.
func (j *judging) judgement() Judgement {
	r := Judgement{Findings: j.findings}
	worst := func(severity Verdict) bool {
		found := -1
		for i, f := range j.findings {
			if f.Severity == severity && (found < 0 || isGrave(f) && !isGrave(j.findings[found])) {
				found = i
			}
		}
		if found >= 0 {
			r.Verdict, r.Reason = severity, j.findings[found].Observed
		}
		return found >= 0
	}
	obstructed := func(verdicts ...Verdict) bool {
		for _, v := range verdicts {
			for _, o := range j.obstacles {
				if o.verdict == v {
					r.Verdict, r.Reason = v, o.reason
					return true
				}
			}
		}
		return false
	}
	switch {
	case obstructed(Broken):
	case worst(Fail), worst(Warn):
		r.unseen(j.obstacles)
	case obstructed(Inconclusive):
	case len(j.ok) > 0:
		r.Verdict, r.Reason = Pass, j.seen()
		r.unseen(j.obstacles)
	case j.measured != "":
		r.Verdict, r.Reason = Info, j.measured
	case obstructed(precedence...):
	default:
		r.Verdict, r.Reason = Inconclusive, "none of the exchanges shows what this check is about; the report has them all"
	}
	return r
}

func isGrave(f Finding) bool {
	return slices.ContainsFunc(grave, func(code string) bool { return f.Code == code || strings.HasPrefix(f.Code, code+"-") })
}

// unseen notes the parts of the evidence that are missing beside a verdict.
func (r *Judgement) unseen(obstacles []obstacle) {
	for _, o := range obstacles {
		r.Findings = append(r.Findings, Finding{Code: "not-looked-at", Severity: Info, Observed: o.reason})
	}
}

// seen names all that was right, so that a pass says what it rests on.
func (j *judging) seen() string {
	const most = 300
	reason, named := j.ok[0], map[string]bool{j.ok[0]: true}
	for _, ok := range j.ok[1:] {
		switch {
		case named[ok]:
		case len(reason)+len(ok) > most:
			return fmt.Sprintf("%s; and so on (%d observations)", reason, len(j.ok))
		default:
			reason += "; " + ok
		}
		named[ok] = true
	}
	return reason
}
