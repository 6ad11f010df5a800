package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var sectionLoad = []Rule{
	{"LOAD-01", one(transcript.Fleet), nil, noCrossTalk},
	{"LOAD-02", one(transcript.Fleet), nil, stateMachineUnderLoad},
}

// fleetDevice is one line of the ledger: what one device of the fleet asked
// for, what was decided about it, and what it got.
type fleetDevice struct {
	k      int
	issued said
	polls  []said // that were answered
	turned []said // that were turned away: 429 or 503
	lost   int    // that were not answered
	// visit is the decision; without one visit.Name is "".
	visit  transcript.Journey
	who    string // first or second
	tokens []said
}

func (d fleetDevice) approved() bool { return d.visit.Outcome == transcript.Approved }

// ledger is the whole fleet.
func (j *judging) ledger() (devices []fleetDevice) {
	const scenario = transcript.Fleet
	t := j.Transcripts[scenario]
	j.polled = true
	// Once over the exchanges: Labelled for each device would take the square.
	polls := map[string][]said{}
	turned := map[string][]said{}
	lost := map[string]int{}
	for _, x := range t.Exchanges {
		kind, rest, _ := strings.Cut(x.Label, "/")
		if kind != labels.Poll {
			continue
		}
		k, _, _ := strings.Cut(rest, "/")
		switch {
		case !x.Answered():
			lost[k]++
		case x.Overloaded():
			turned[k] = append(turned[k], said{x, scenario})
		default:
			polls[k] = append(polls[k], said{x, scenario})
		}
	}
	for _, x := range t.Exchanges {
		kind, name, _ := strings.Cut(x.Label, "/")
		if kind != labels.Device || !hasCodes(x) {
			continue
		}
		d := fleetDevice{k: len(devices) + 1, issued: said{x, scenario}, polls: polls[name], turned: turned[name], lost: lost[name], tokens: withToken(polls[name])}
		if _, err := fmt.Sscan(name, &d.k); err != nil {
			continue
		}
		for _, who := range []string{labels.First, labels.Second} {
			for _, verb := range []string{labels.Approves, labels.Denies} {
				if visit, ok := t.Journey(labels.Of(labels.Of(who, verb), name)); ok {
					d.visit, d.who = visit, who
				}
			}
		}
		devices = append(devices, d)
	}
	return devices
}

// LOAD-01
func noCrossTalk(j *judging) {
	devices := j.ledger()
	approved, refused, served := 0, 0, 0
	for _, d := range devices {
		switch d.visit.Outcome {
		case transcript.Approved:
			approved++
		case transcript.Denied:
			refused++
		case transcript.Unfinished:
			j.journey(transcript.Fleet, d.visit.Name) // says why
		}
		if len(d.tokens) > 0 {
			served++
		}
		j.ownAnswers(d)
	}
	if approved == 0 || served == 0 {
		j.missing(transcript.Fleet, "a token")
		return
	}
	j.nothingShared(devices)
	j.ownPerson(devices)
	j.ownScope(devices)
	j.pass("%d devices, %d approved and %d denied: each got its own decision", len(devices), approved, refused)
}

// ownAnswers: a device hears what was decided about its own code.
func (j *judging) ownAnswers(d fleetDevice) {
	if len(d.polls) == 0 {
		return
	}
	last := d.polls[len(d.polls)-1]
	// Where a grant is remembered the code alone approves, and the page says so.
	undecided := d.visit.Name == "" || !d.visit.Decided && !d.approved()
	switch {
	case differentTokens(d.tokens) > 1:
		j.fail("two-tokens", "one token for each approved device", fmt.Sprintf("device %d got %d", d.k, differentTokens(d.tokens)), d.tokens...)
	case len(d.tokens) > 0 && d.visit.Outcome == transcript.Denied:
		j.fail("token-for-denied", quoted("access_denied"), fmt.Sprintf("device %d was denied: %s", d.k, describe(d.tokens[0].Exchange)), d.tokens[0])
	case len(d.tokens) > 0 && undecided && d.visit.Outcome != transcript.Unfinished && !j.byThatAct(d.tokens[0]):
	case len(d.tokens) > 0 && undecided && d.visit.Outcome != transcript.Unfinished:
		j.fail("token-without-approval", quoted("authorization_pending"), fmt.Sprintf("device %d was not approved: %s", d.k, describe(d.tokens[0].Exchange)), d.tokens[0])
	case undecided && last.EndsGrant() && d.visit.Name == "" && !j.wasPending(last):
	case undecided && last.EndsGrant() && d.visit.Name == "":
		j.fail("ended-undecided", quoted("authorization_pending"), fmt.Sprintf("device %d was not decided: %s", d.k, describe(last.Exchange)), last)
	case d.approved() && len(d.tokens) == 0 && d.lost > 0:
		j.inconclusive("device %d was approved and got no token, but %d of its polls got no answer", d.k, d.lost)
	case d.approved() && len(d.tokens) == 0 && slices.ContainsFunc(d.polls, func(x said) bool { return serverFault(x.Exchange) }):
		j.inconclusive("device %d was approved and got no token, but some of its polls got a server error", d.k)
	case d.approved() && len(d.tokens) == 0 && hasError(last.Exchange, "slow_down"):
		j.inconclusive("device %d was approved and still gets slow_down", d.k)
	case d.approved() && len(d.tokens) == 0 && last.Sent < d.visit.Ended:
		j.inconclusive("device %d did not poll after its approval", d.k)
	case d.approved() && len(d.tokens) == 0 && !recognised(last.Exchange) && (j.undefined(last) || !j.wasPending(last)):
	case d.approved() && len(d.tokens) == 0 && j.certain(d.visit, transcript.Fleet, labels.Nth(labels.Poll, d.k)):
		j.fail("approved-without-token", "a token for each approved device", fmt.Sprintf("device %d was approved: %s", d.k, describe(last.Exchange)), last)
	}
}

// nothingShared: no code and no token stands in two answers.
func (j *judging) nothingShared(devices []fleetDevice) {
	type given struct {
		answer said
		who    string
	}
	seen := map[string]given{}
	shared := false
	once := func(what, member string, x said, who string) {
		o, err := x.Object()
		if err != nil || !o.Has(member) {
			return
		}
		key := member + valueOf(o, member)
		other, again := seen[key]
		switch {
		case !again:
			seen[key] = given{x, who}
		case who != "" && other.who == who:
			// Some products keep one token for each person, client and scope,
			// and no RFC forbids it: revoking one device then logs out the others.
			if !shared {
				j.warn("shared-by-person", "each device has its own "+what, "two devices of one end user got the same "+what, other.answer, x)
			}
			shared = true
		default:
			j.fail("shared-"+what, "each device has its own "+what, "two devices got the same "+what, other.answer, x)
		}
	}
	for _, d := range devices {
		once("device code", "device_code", d.issued, "")
		once("user code", "user_code", d.issued, "")
		if len(d.tokens) > 0 {
			once("access token", "access_token", d.tokens[0], d.who)
			once("refresh token", "refresh_token", d.tokens[0], d.who)
		}
	}
}

// oneSubject says that all tokens belong to one end user, although several approved.
func (j *judging) oneSubject(devices []fleetDevice) bool {
	approvers, subjects := map[string]bool{}, map[string]bool{}
	for _, d := range devices {
		if d.approved() && len(d.tokens) > 0 {
			approvers[d.who] = true
			subjects[j.subject(transcript.Fleet, labels.Nth(labels.Owner, d.k), d.tokens[0])] = true
		}
	}
	return len(approvers) > 1 && len(subjects) == 1
}

// ownPerson: a token belongs to the end user who approved its device.
func (j *judging) ownPerson(devices []fleetDevice) {
	approver, person := map[string]string{}, map[string]string{}
	witness := map[string]said{}
	if j.hooked(transcript.Fleet) && j.oneSubject(devices) {
		j.note("one-subject", hookIgnoresUser)
		return
	}
	for _, d := range devices {
		if !d.approved() || len(d.tokens) == 0 {
			continue
		}
		x := d.tokens[0]
		sub := j.subject(transcript.Fleet, labels.Nth(labels.Owner, d.k), x)
		if sub == "" {
			j.note("subject-unknown", "unknown whose tokens they are: no userinfo, introspection or ID token", x)
			return
		}
		if other, ok := person[d.who]; ok && other != sub {
			j.fail("other-person", fmt.Sprintf("a token of subject %q, who approved", clip(other)), fmt.Sprintf("device %d got one of subject %q", d.k, clip(sub)), witness[other], x)
			return
		}
		if other, ok := approver[sub]; ok && other != d.who {
			j.fail("other-person", "a token of the end user who approved", fmt.Sprintf("device %d was approved by another end user but also got a token of subject %q", d.k, clip(sub)), witness[sub], x)
			return
		}
		person[d.who], approver[sub], witness[sub] = sub, d.who, x
	}
	switch len(person) {
	case 0:
	case 1:
		j.note("one-person", "the tokens belong to the one end user who approved; a second user (users.second) would show more")
	default:
		j.note("two-persons", "the tokens belong to the end users who approved")
	}
}

// ownScope: a device that asked for less does not get what another asked for,
// where the server gives others what they asked for and no more.
func (j *judging) ownScope(devices []fleetDevice) {
	var within, beyond []said
	for _, d := range devices {
		if len(d.tokens) == 0 {
			continue
		}
		asked := strings.Fields(d.issued.Form().Get("scope"))
		o, _ := d.tokens[0].Object()
		scope, ok := o.String("scope")
		if !ok || len(asked) != 1 {
			continue // absent: as asked (RFC 6749 section 5.1)
		}
		if slices.ContainsFunc(strings.Fields(scope), func(s string) bool { return !slices.Contains(asked, s) }) {
			beyond = append(beyond, d.tokens[0])
		} else {
			within = append(within, d.tokens[0])
		}
	}
	switch {
	case len(beyond) > 0 && len(within) > 0:
		j.fail("other-scope", "the one scope that the device requested, as for other devices", "a device got scopes that only others requested", append(shown(beyond), shown(within)...)...)
	case len(beyond) > 0:
		j.note("wider-scope", "every device that requested one scope got more: the server's choice (RFC 6749 section 3.3)", shown(beyond)...)
	}
}

// limitedShare: from one poll in so many, 429 is how the server treats compliant
// devices and no stray.
const limitedShare = 10

// LOAD-02
func stateMachineUnderLoad(j *judging) {
	devices := j.ledger()
	var polls, slowed, faults, turned, limited []said
	lost, collected, most, held := 0, 0, 0, 0
	for _, d := range devices {
		polls, turned, lost = append(polls, d.polls...), append(turned, d.turned...), lost+d.lost
		before := len(limited)
		for _, x := range d.turned {
			if x.Status == 429 {
				limited = append(limited, x)
			}
		}
		if len(limited) > before {
			held++
		}
		slowed = append(slowed, slowDowns(d.polls)...)
		for _, x := range d.polls {
			if serverFault(x.Exchange) {
				faults = append(faults, x)
			}
		}
		if d.approved() && len(d.tokens) > 0 {
			collected++
			n := 0
			for _, x := range d.polls {
				if x.Sent >= d.visit.Ended && x.Sent <= d.tokens[0].Sent {
					n++
				}
			}
			most = max(most, n)
		}
	}
	if len(polls)+len(turned) == 0 {
		j.missing(transcript.Fleet, labels.Poll)
		return
	}
	var times []time.Duration
	for _, x := range slices.Concat(polls, turned) {
		times = append(times, x.Received-x.Sent)
	}
	slices.Sort(times)
	figures := fmt.Sprintf("%d devices, %d compliant polls: %d slow_down, %d with 5xx, %d with 429 or 503, %d unanswered; response time p50 %s, p95 %s, p99 %s",
		len(devices), len(polls)+len(turned)+lost, len(slowed), len(faults), len(turned), lost, quantile(times, 0.5), quantile(times, 0.95), quantile(times, 0.99))
	if collected > 0 {
		figures += fmt.Sprintf("; the token came by poll %d after the approval", max(1, most))
	}
	switch {
	case held > 1 && len(limited)*limitedShare >= len(polls)+len(turned):
		j.warn("rate-limited", "no limit on devices that keep their interval; slow_down for those that do not",
			fmt.Sprintf("%d of %d compliant polls got 429 (%d of %d devices); from one address and at one moment here; a device that does not know it may give up", len(limited), len(polls)+len(turned)+lost, held, len(devices)), shown(limited)...)
		j.measure("figures", figures)
	case len(turned) > 0:
		j.measure("turned-away", figures, shown(turned)...)
	case len(slowed) > 0:
		j.measure("slowed", figures, shown(slowed)...)
	case len(faults) > 0:
		j.measure("server-errors", figures, shown(faults)...)
	case lost > 0:
		j.measure("unanswered", figures)
	default:
		j.measure("steady", figures)
	}
}

// quantile of sorted durations, by the nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1].Round(100 * time.Microsecond)
}
