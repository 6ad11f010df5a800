package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section35Races = []Rule{
	{"POLL-15", one(transcript.RacingPolls), append(one(transcript.Approval), unraced...), singleUseUnderRace},
	{"POLL-16", one(transcript.DecisionRaces), append([]string{transcript.Denial, transcript.Approval, transcript.RacingPolls, transcript.WrongUserCodes}, unraced...), pollRacingDecision},
	{"POLL-19", one(transcript.LostAnswers), []string{transcript.SteadyPolling, transcript.ImpatientPolling, transcript.Approval}, overloadAndLostAnswers},
}

// maxShown bounds the exchanges that one finding points at.
const maxShown = 5

// rounds calls judge for K = 1, 2, ... as long as the scenario has a label/K.
func (j *judging) rounds(scenario, label string, judge func(k int)) int {
	k := 0
	for {
		if _, ok := j.Transcripts[scenario].First(labels.Nth(label, k+1)); !ok {
			return k
		}
		k++
		judge(k)
	}
}

// withToken keeps the answers that brought a token.
func withToken(list []said) (tokens []said) {
	for _, x := range list {
		if hasToken(x.Exchange) {
			tokens = append(tokens, x)
		}
	}
	return tokens
}

// differentTokens counts the sessions that some answers opened: different
// access tokens, or different refresh tokens beside one access token.
func differentTokens(tokens []said) int {
	access, refresh := map[string]bool{}, map[string]bool{}
	for _, x := range tokens {
		o, _ := x.Object()
		access[valueOf(o, "access_token")] = true
		if o.Has("refresh_token") {
			refresh[valueOf(o, "refresh_token")] = true
		}
	}
	return max(len(access), len(refresh))
}

// spread is the time from the first to the last request.
func spread(list []said) time.Duration {
	if len(list) == 0 {
		return 0
	}
	first, last := list[0].Sent, list[0].Sent
	for _, x := range list {
		first, last = min(first, x.Sent), max(last, x.Sent)
	}
	return last - first
}

func shown(list []said) []said { return list[:min(len(list), maxShown)] }

// POLL-15
func singleUseUnderRace(j *judging) {
	const scenario = transcript.RacingPolls
	var raced, width int
	var fallen faultyRounds
	var apart time.Duration
	var release wire.Release
	j.rounds(scenario, labels.Device, func(k int) {
		label := labels.Nth(labels.Race, k)
		sent, answers := j.Transcripts[scenario].Labelled(label), j.all(scenario, label)
		if len(sent) == 0 {
			return // the code was not approved, or the target asked to be spared
		}
		if len(answers) < 2 {
			j.inconclusive("race %d: only %d of %d polls were answered (the others were lost, or the server was overloaded)", k, len(answers), len(sent))
			return
		}
		raced, width = raced+1, max(width, len(answers))
		apart, release = max(apart, spread(answers)), sent[0].Release
		fallen.round(answers)
		tokens := withToken(answers)
		switch {
		case differentTokens(tokens) > 1:
			j.fail("second-token", fmt.Sprintf("one token for one approval, for %d simultaneous polls", len(answers)),
				fmt.Sprintf("%d different tokens: %d of %d simultaneous polls got 200 (race %d)", differentTokens(tokens), len(tokens), len(answers), k), shown(tokens)...)
		case len(tokens) > 1:
			j.warn("same-token", "one 200 for one approval", fmt.Sprintf("%d of %d simultaneous polls got the same token (race %d)", len(tokens), len(answers), k), shown(tokens)...)
		case len(tokens) == 0:
			j.nobodyWon(scenario, k, answers, len(sent))
		}
	})
	if raced == 0 {
		if len(j.obstacles) == 0 {
			j.missing(scenario, labels.Race)
		}
		return
	}
	j.falls(fallen, raced, Warn, quoted("invalid_grant")+" for late polls")
	how := "last bytes held back and sent together"
	switch release {
	case wire.Streams:
		how = "last bytes of HTTP/2 streams held back and sent together: the server speaks HTTP/2 only"
	case wire.Parallel:
		how = "over shared connections: a proxy is in between"
	}
	j.pass("one token in each of %d races of %d polls: a pass is not a proof", raced, width)
	j.note("races", fmt.Sprintf("%d codes, %d polls each, sent within %s, %s", raced, width, apart.Round(10*time.Microsecond), how))
}

// unraced are the scenarios that tell how often the server fails without a race.
var unraced = []string{transcript.TokenErrors, transcript.DeviceErrors, transcript.HostileCharacters}

// faultyRounds counts the server errors of a race.
type faultyRounds struct {
	faults          []said
	answers, rounds int // all answers, and the rounds with an error
}

func (f *faultyRounds) round(answers []said) {
	before := len(f.faults)
	for _, x := range answers {
		if serverFault(x.Exchange) {
			f.faults = append(f.faults, x)
		}
	}
	f.answers += len(answers)
	if len(f.faults) > before {
		f.rounds++
	}
}

// falls judges the server errors of a race. Its requests cannot be sent again: the
// errors are the race's doing where they are several times as frequent in it as
// they are elsewhere, and a gateway's otherwise.
func (j *judging) falls(f faultyRounds, rounds int, severity Verdict, expected string) {
	if len(f.faults) == 0 {
		return
	}
	const enough, times = 60, 5
	elsewhere, all := j.faultsElsewhere()
	often := f.rounds > 1 && len(f.faults)*all > times*elsewhere*f.answers
	observed := fmt.Sprintf("%s in %d of %d rounds", describe(f.faults[0].Exchange), f.rounds, rounds)
	switch {
	case all >= enough && often, all < enough && f.rounds == rounds && rounds > 2:
		j.find(severity, "server-error", expected, observed, shown(f.faults))
	default:
		j.note("stray", observed, shown(f.faults)...)
	}
}

// faultsElsewhere counts the answers outside of races, and the server errors among
// those that did not come again when the same was asked again.
func (j *judging) faultsElsewhere() (faults, all int) {
	for _, name := range unraced {
		all += len(j.Transcripts[name].Exchanges)
		for _, x := range j.straysIn(name) {
			if serverFault(x.Exchange) || x.Failure != nil {
				faults++
			}
		}
	}
	return faults, all
}

// nobodyWon judges a race in which no poll got the token: the grant must have
// come through it.
func (j *judging) nobodyWon(scenario string, k int, answers []said, sent int) {
	after := j.all(scenario, labels.Nth(labels.After, k))
	switch {
	case len(after) == 0:
		j.missing(scenario, labels.Nth(labels.After, k))
	case len(withToken(after)) > 0:
		j.note("nobody-won", fmt.Sprintf("no poll of race %d got the token; a later one did", k), after[len(after)-1])
	case len(answers) < sent:
		j.inconclusive("race %d: no token, and %d answers were lost or reported overload", k, sent-len(answers))
	case hasError(after[len(after)-1].Exchange, "slow_down"):
		j.inconclusive("race %d: still slow_down after %d compliant polls", k, len(after))
	case j.approvalsUnseen():
		j.inconclusive("race %d: no token, and an approval without a race brings none either (see POLL-13)", k)
	case j.undefined(after[len(after)-1]):
	case after[len(after)-1].EndsGrant():
		// Taking the others for replays and revoking the grant is allowed
		// (RFC 6749 section 4.1.2 recommends it for codes), and nobody gained by it.
		j.warn("grant-lost", "a token for one of the polls, or for the next", fmt.Sprintf("no token for any of %d simultaneous polls, and then %s (race %d)", len(answers), describe(after[len(after)-1].Exchange), k), append(shown(answers), after...)...)
	default:
		if visit, ok := j.journey(scenario, labels.Round(labels.Approve, k)); ok && j.certain(visit, scenario, labels.Nth(labels.After, k)) {
			j.fail("grant-lost", "a token for one of the polls, or for the next", fmt.Sprintf("no token for any of %d simultaneous polls, and then %s (race %d)", len(answers), describe(after[len(after)-1].Exchange), k), append(shown(answers), after...)...)
		}
	}
}

// POLL-16
func pollRacingDecision(j *judging) {
	const scenario = transcript.DecisionRaces
	raced, polls := 0, 0
	var fallen faultyRounds
	var offsets []time.Duration // from the press to each poll, where the run noted the press
	for _, goal := range []transcript.Goal{transcript.Deny, transcript.Approve} {
		if goal == transcript.Deny && j.denialsUnseen() {
			j.note("denials-unseen", "the server does not report denials without a race either (POLL-08)")
			continue
		}
		wanted := map[transcript.Goal]transcript.Outcome{transcript.Deny: transcript.Denied, transcript.Approve: transcript.Approved}[goal]
		j.rounds(scenario, string(goal)+"/"+labels.Device, func(k int) {
			visit, ok := j.journey(scenario, labels.Round(string(goal), k))
			race := j.all(scenario, labels.Nth(labels.Join(string(goal), labels.Race), k))
			switch {
			case !ok:
			case visit.Outcome == transcript.NoWayToDeny:
				j.note("no-deny", "the pages offer no way to deny")
			case visit.Outcome == transcript.Approved && !visit.Decided:
				j.noteOnce("not-asked", "no page asked for the decision: the server remembers consent")
			case visit.Outcome != wanted && !j.deniedUnseen(visit, j.all(scenario, labels.Nth(labels.Join(string(goal), labels.After), k))):
				j.inconclusive("the end user could not %s: %s%s", goal, visit.Outcome, lastWords(visit))
			case len(race) > 0:
				raced, polls = raced+1, polls+len(race)
				if visit.Pressed > 0 {
					for _, x := range race {
						offsets = append(offsets, x.Sent-visit.Pressed)
					}
				}
				fallen.round(slices.Concat(race, j.all(scenario, labels.Nth(labels.Join(string(goal), labels.After), k))))
				j.decisionSurvives(goal, k, visit, race)
			}
		})
	}
	j.falls(fallen, raced, Fail, "an answer of RFC 8628 section 3.5")
	switch {
	case raced > 0:
		j.pass("%d decisions survived %d polls around them%s: a pass is not a proof", raced, polls, around(offsets))
	case len(j.obstacles) > 0:
	case len(j.Transcripts[scenario].Labelled(string(transcript.Approve)+"/"+labels.After)) > 0:
		j.notApplicable("no page asks for a decision, so there is none to poll around")
	default:
		j.missing(scenario, labels.Join(labels.Approve, labels.Race))
	}
}

// around says where polls lay around the moments at which end users decided, in
// the target's time, "" where that is not known.
func around(offsets []time.Duration) string {
	if len(offsets) == 0 {
		return ""
	}
	slices.Sort(offsets)
	at := func(d time.Duration) string {
		ms := float64(d.Microseconds()) / 1000
		if d < 0 {
			return fmt.Sprintf("%.1f ms before", -ms)
		}
		return fmt.Sprintf("%.1f ms after", ms)
	}
	n := len(offsets)
	return fmt.Sprintf(" (%s to %s the press, half of them within %.1f ms)", at(offsets[0]), at(offsets[n-1]),
		float64((offsets[n*3/4]-offsets[n/4]).Microseconds())/1000)
}

// denialsUnseen says that the plain denial was not reported either.
func (j *judging) denialsUnseen() bool {
	polls := j.all(transcript.Denial, labels.Denied)
	return len(polls) > 0 && !slices.ContainsFunc(polls, func(x said) bool { return x.EndsGrant() })
}

// approvalsUnseen says that the plain approval brought no token either.
func (j *judging) approvalsUnseen() bool {
	polls := j.all(transcript.Approval, labels.Token)
	return len(polls) > 0 && !slices.ContainsFunc(polls, func(x said) bool { return hasToken(x.Exchange) })
}

// raceWonTwice says that polls in one moment get several tokens without any
// decision near.
func (j *judging) raceWonTwice() (twice bool) {
	j.rounds(transcript.RacingPolls, labels.Race, func(k int) {
		twice = twice || differentTokens(withToken(j.all(transcript.RacingPolls, labels.Nth(labels.Race, k)))) > 1
	})
	return twice
}

// decisionSurvives judges the polls around one decision and after it.
func (j *judging) decisionSurvives(goal transcript.Goal, k int, visit transcript.Journey, race []said) {
	const scenario = transcript.DecisionRaces
	label := labels.Nth(labels.Join(string(goal), labels.After), k)
	after := j.all(scenario, label)
	everything := slices.Concat(race, after)
	if len(after) == 0 {
		j.missing(scenario, label)
		return
	}
	tokens, last := withToken(everything), after[len(after)-1]
	pending := hasError(last.Exchange, "authorization_pending")
	switch {
	case goal == transcript.Deny && len(tokens) > 0 && !j.byThatAct(tokens[0]):
	case goal == transcript.Deny && len(tokens) > 0:
		j.fail("token-after-denial", quoted("access_denied"), fmt.Sprintf("%s (%s)", describe(tokens[0].Exchange), visit.Name), tokens[0])
	case differentTokens(tokens) > 1 && j.raceWonTwice():
		j.note("second-token", fmt.Sprintf("%d different tokens (%s): the race that POLL-15 found", differentTokens(tokens), visit.Name), tokens...)
	case differentTokens(tokens) > 1:
		j.fail("second-token", "one token for one approval", fmt.Sprintf("%d different tokens for polls around the approval (%s)", differentTokens(tokens), visit.Name), tokens...)
	case len(tokens) > 1:
		j.warn("same-token", "one 200 for one approval", fmt.Sprintf("the same token %d times (%s)", len(tokens), visit.Name), tokens...)
	case len(tokens) == 1 && pending:
		j.fail("revived", quoted("invalid_grant"), fmt.Sprintf("%s after the token (%s)", describe(last.Exchange), visit.Name), tokens[0], last)
	case len(tokens) == 1:
	case hasError(last.Exchange, "slow_down"):
		j.inconclusive("%s: still slow_down after %d compliant polls", visit.Name, len(after))
	case goal == transcript.Deny && !pending:
	case last.EndsGrant() && len(j.Transcripts[scenario].Labelled(labels.Nth(labels.Join(string(goal), labels.Race), k))) > 1:
		j.note("grant-lost", fmt.Sprintf("%s: both polls may have come after the approval and counted as replays (POLL-15), or a token was lost in transit (%s)", describe(last.Exchange), visit.Name), append(shown(race), last)...)
	case goal == transcript.Approve && j.approvalsUnseen():
		j.inconclusive("%s after %d compliant polls, and an approval without a race is not seen either (see POLL-13)", describe(last.Exchange), len(after))
	case !pending && (j.undefined(last) || !j.wasPending(last)):
	case j.certain(visit, scenario, label):
		j.fail("decision-lost", map[transcript.Goal]string{transcript.Deny: quoted("access_denied"), transcript.Approve: "200 with a token"}[goal],
			fmt.Sprintf("%s after %d compliant polls: a simultaneous poll undid the decision (%s)", describe(last.Exchange), len(after), visit.Name), append(shown(race), last)...)
	}
}

// POLL-19
func overloadAndLostAnswers(j *judging) {
	j.stateSurvivesOverload()
	const scenario = transcript.LostAnswers
	tried := j.rounds(scenario, labels.Lost, func(k int) {
		label := labels.Nth(labels.Again, k)
		hungUp, _ := j.Transcripts[scenario].First(labels.Nth(labels.Lost, k))
		after := j.all(scenario, label)
		switch {
		case hungUp.Failure == nil || hungUp.Failure.Kind != wire.FailHungUp:
			j.missing(scenario, labels.Nth(labels.Lost, k))
			return
		case len(after) == 0:
			j.missing(scenario, label)
			return
		}
		last := after[len(after)-1]
		lost := said{hungUp, scenario}
		switch {
		case hasToken(last.Exchange):
			j.measure("collected-later", "after a broken connection, the device gets its token when it polls again", lost, last)
		case last.EndsGrant():
			j.measure("consumed", fmt.Sprintf("after a broken connection, the device gets no token: %s", describe(last.Exchange)), lost, last)
		case hasError(last.Exchange, "authorization_pending"):
			if visit, ok := j.journey(scenario, labels.Round(labels.Approve, k)); !ok {
				return
			} else if j.approvalsUnseen() {
				j.inconclusive("%s after a lost answer, and an approval is not seen without one either (see POLL-13)", describe(last.Exchange))
			} else if j.certain(visit, scenario, label) {
				j.fail("policy-pending-for-ever", "the token, or "+quoted("invalid_grant"), fmt.Sprintf("%s at %d polls after a lost answer", describe(last.Exchange), len(after)), lost, last)
			}
		default:
			j.inconclusive("after a lost answer: %s", describe(last.Exchange))
		}
	})
	if tried == 0 {
		j.missing(scenario, labels.Lost)
	}
}

// stateSurvivesOverload looks at the conversations in which nobody decides: a
// 429 or 503 that was seen there must not have ended a grant.
func (j *judging) stateSurvivesOverload() {
	for _, scenario := range []string{steady, impatient} {
		t := j.Transcripts[scenario]
		for i, x := range t.Exchanges {
			code := x.Form().Get("device_code")
			if !x.Overloaded() || code == "" {
				continue
			}
			for _, later := range t.Exchanges[i+1:] {
				if later.Form().Get("device_code") != code || !later.Answered() || later.Overloaded() {
					continue
				}
				evidence := []said{{x, scenario}, {later, scenario}}
				switch {
				case later.EndsGrant() && !j.foundPending(evidence[0]):
					j.inconclusive("%s after %d, and no poll of this device was answered authorization_pending before: the cause is unknown", describe(later), x.Status)
				case later.EndsGrant():
					j.fail("policy-ended-by-overload", "the grant continues after "+fmt.Sprint(x.Status), describe(later), evidence...)
				default:
					j.note("survived-overload", fmt.Sprintf("%d, then %s", x.Status, strings.TrimPrefix(describe(later), "status ")), evidence...)
				}
				break
			}
		}
	}
}
