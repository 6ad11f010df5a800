package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section35Slowdown = []Rule{
	{"POLL-04", one(transcript.SlowedApproval), []string{transcript.Approval, transcript.Throttle}, slowDownNotTerminal},
	{"POLL-06", one(transcript.Throttle), nil, slowDownRemembered},
	{"POLL-07", one(transcript.Throttle), nil, slowDownsEnd},
	{"POLL-18", one(transcript.HastyNeighbour), nil, throttledPerCode},
}

const (
	throttled = transcript.Throttle
	slowed    = transcript.SlowedApproval
	neighbour = transcript.HastyNeighbour
)

// slowDownStep is what each slow_down adds (RFC 8628 section 3.5).
const slowDownStep = 5 * time.Second

// roundedClock is by how much a server that counts whole seconds may be off.
const roundedClock = time.Second

// noThrottle says that a burst got no slow_down, so that a rule about what
// follows one does not apply.
func (j *judging) noThrottle(scenario, label string) bool {
	burst := j.all(scenario, label)
	switch {
	case len(burst) == 0:
		j.missing(scenario, label)
	case len(slowDowns(burst)) > 0:
		return false
	case len(pendings(burst)) < len(burst):
		j.inconclusive("the burst ended early: %s", describe(burst[len(burst)-1].Exchange))
	default:
		j.notApplicable("the server sends no slow_down (see POLL-03)")
	}
	return true
}

// POLL-04
func slowDownNotTerminal(j *judging) {
	if j.noThrottle(slowed, labels.Burst) {
		return
	}
	j.endedBySlowDowns()
	burst := slowDowns(j.all(slowed, labels.Burst))
	after, ok := j.first(slowed, labels.Pending)
	if !ok {
		return
	}
	switch {
	case recognised(after.Exchange):
	case j.undefined(after), !j.wasPending(after):
		return
	default:
		j.fail("ended", quoted("authorization_pending"), describe(after.Exchange)+" after waiting as slow_down requires", burst[0], after)
		return
	}
	if !j.approved(slowed, labels.Approve) {
		return
	}
	polls := j.all(slowed, labels.Token)
	if len(polls) == 0 {
		j.missing(slowed, labels.Token)
		return
	}
	last := polls[len(polls)-1]
	switch {
	case hasToken(last.Exchange):
		j.pass("slow_down, then %s, and a token after the approval", describe(after.Exchange))
	case recognised(last.Exchange) && !j.certain(j.visitOf(slowed), slowed, labels.Token):
	case !j.collected(transcript.Approval):
		j.inconclusive("%s at poll %d after the approval, with or without an earlier slow_down (see POLL-13)", describe(last.Exchange), len(polls))
	case !recognised(last.Exchange) && (j.undefined(last) || !j.wasPending(last)):
	default:
		j.fail("lost", "a token after the approval, as without slow_down", fmt.Sprintf("%s at poll %d after the approval", describe(last.Exchange), len(polls)), burst[0], last)
	}
}

// endedBySlowDowns finds a code that died of several slow_downs: its device got
// nothing else since, and its lifetime was not over.
func (j *judging) endedBySlowDowns() {
	for _, name := range []string{labels.Patient, labels.Nth(labels.Summed, 1), labels.Nth(labels.Summed, 2)} {
		issued, ok := j.maybe(throttled, labels.Join(name, labels.Device))
		if !ok {
			continue
		}
		polls := append(j.all(throttled, labels.Join(name, labels.Burst)), j.after(throttled, name)...)
		i := slices.IndexFunc(polls, func(x said) bool { return x.EndsGrant() })
		if i < 0 {
			continue
		}
		slow := slowDowns(polls[:i])
		o, _ := issued.Object()
		if n, ok := o.Number("expires_in"); len(slow) == 0 || ok && polls[i].Received-issued.Sent >= time.Duration(n*float64(time.Second)) {
			continue
		}
		if j.wasPending(polls[i]) {
			j.fail("ended-later", quoted("authorization_pending", "slow_down")+" until the lifetime ends", fmt.Sprintf("%s after %d slow_downs", describe(polls[i].Exchange), len(slow)), slow[len(slow)-1], polls[i])
			return
		}
	}
}

// collected says that a scenario's device got its token.
func (j *judging) collected(scenario string) bool {
	for _, x := range j.all(scenario, labels.Token) {
		if hasToken(x.Exchange) {
			return true
		}
	}
	return false
}

// POLL-06
func slowDownRemembered(j *judging) {
	if j.noThrottle(throttled, labels.Join(labels.Sticky, labels.Burst)) {
		return
	}
	interval := j.intervalIn(throttled, labels.Join(labels.Sticky, labels.Device))
	received := 0
	before := said{}
	missed := false
	for _, x := range j.all(throttled, labels.Sticky) {
		step := strings.TrimPrefix(x.Label, labels.Sticky+"/")
		switch {
		case strings.HasPrefix(step, labels.Compliant+"/") && hasError(x.Exchange, "slow_down"):
			j.pass("the server remembers the slower pace: slow_down even at %s", pace(before, x))
			return
		case strings.HasPrefix(step, labels.Old+"/"):
			// A slow_down tells something when the old pace was surely kept, and
			// its absence when the slower one surely was not.
			g := between(before.Exchange, x.Exchange)
			switch {
			case hasError(x.Exchange, "slow_down") && g.surelyLonger(interval+roundedClock):
				j.pass("slow_down at %s: the server remembers the slower pace", pace(before, x))
			case hasError(x.Exchange, "authorization_pending") && g.surelyShorter(interval+time.Duration(received)*slowDownStep-roundedClock):
				j.measure("forgotten", fmt.Sprintf("%s at %s, after a slow_down and one poll at the slower pace: the interval does not grow", describe(x.Exchange), pace(before, x)), before, x)
			case !recognised(x.Exchange):
				j.inconclusive("the grant ended: %s", describe(x.Exchange))
			default:
				missed = true
				before = x
				continue
			}
			return
		case hasError(x.Exchange, "slow_down"):
			received++
		}
		before = x
	}
	switch {
	case missed:
		j.inconclusive("devicegrant's polls missed the three seconds in which only one of the two paces is allowed")
	case before.EndsGrant():
		j.inconclusive("the grant ended: %s", describe(before.Exchange))
	default:
		j.missing(throttled, labels.Join(labels.Sticky, labels.Old))
	}
}

// pace says how far apart two polls were.
func pace(before, x said) string {
	return between(before.Exchange, x.Exchange).length.Round(10 * time.Millisecond).String()
}

// intervalIn is the interval that a device of a scenario was told.
func (j *judging) intervalIn(scenario, label string) time.Duration {
	if x, ok := j.maybe(scenario, label); ok {
		return intervalOf(x.Exchange)
	}
	return 5 * time.Second
}

// POLL-07
func slowDownsEnd(j *judging) {
	if j.noThrottle(throttled, labels.Join(labels.Patient, labels.Burst)) {
		return
	}
	burst := slowDowns(j.all(throttled, labels.Join(labels.Patient, labels.Burst)))
	polls := j.after(throttled, labels.Patient)
	if len(polls) == 0 {
		j.missing(throttled, labels.Nth(labels.Patient, 1))
		return
	}
	silence := fmt.Sprintf("%s, after %d slow_downs", pace(burst[len(burst)-1], polls[0]), len(burst))
	switch first := polls[0]; {
	case hasError(first.Exchange, "slow_down") && len(slowDowns(polls)) == len(polls) && len(polls) > 1:
		j.fail("starved", quoted("authorization_pending")+" after waiting 5 s longer for each slow_down", "slow_down repeatedly: first at "+silence, burst[len(burst)-1], first, polls[len(polls)-1])
	case hasError(first.Exchange, "slow_down"):
		j.fail("punished", quoted("authorization_pending")+" after waiting 5 s longer for each slow_down", "slow_down at "+silence, burst[len(burst)-1], first)
	case hasError(first.Exchange, "authorization_pending"):
		j.pass("accepted at %s", silence)
	default:
		j.inconclusive("the grant ended: %s", describe(first.Exchange))
	}
	obedient := j.after(throttled, labels.Obedient)
	if n := len(slowDowns(obedient)); n > 2 && n == len(obedient) {
		j.fail("livelock", quoted("authorization_pending")+" eventually, for a compliant device", fmt.Sprintf("slow_down at each of %d polls, each 5 s slower than the previous one", n), obedient...)
	}
	if sooner, ok := j.maybe(throttled, labels.Join(labels.Nth(labels.Summed, 1), labels.Probe)); ok {
		burst := j.all(throttled, labels.Join(labels.Nth(labels.Summed, 1), labels.Burst))
		j.note("sooner", fmt.Sprintf("%s at %s, after %d slow_downs: RFC 8628 leaves this open", describe(sooner.Exchange), pace(burst[len(burst)-1], sooner), len(slowDowns(burst))), sooner)
	}
}

// after returns the polls of a device of the throttle scenario after its burst.
func (j *judging) after(scenario, device string) (polls []said) {
	for _, x := range j.all(scenario, device) {
		if x.Label != labels.Join(device, labels.Device) && !strings.HasPrefix(x.Label, labels.Join(device, labels.Burst)) {
			polls = append(polls, x)
		}
	}
	return polls
}

// POLL-18
func throttledPerCode(j *judging) {
	prefix := ""
	if later := j.all(neighbour, labels.Join(labels.Later, labels.Alone)); len(slowDowns(j.all(neighbour, labels.Alone))) > 0 && len(later) > 0 {
		prefix = labels.Later + "/"
	}
	control := j.all(neighbour, prefix+labels.Alone)
	if len(control) == 0 {
		j.missing(neighbour, labels.Alone)
		return
	}
	alone := control[len(control)-1]
	switch {
	case len(slowDowns(control)) > 0:
		j.inconclusive("the compliant device gets slow_down even when it polls alone (see POLL-02)")
		return
	case len(pendings(control)) < len(control):
		j.inconclusive("the grant ended: %s", describe(alone.Exchange))
		return
	}
	beside, hammer := j.all(neighbour, prefix+labels.Beside), slowDowns(j.all(neighbour, prefix+labels.Hammer))
	again := j.all(neighbour, labels.Join(labels.Again, labels.Beside))
	switch slow := slowDowns(beside); {
	case len(beside) < len(j.Transcripts[neighbour].Labelled(prefix+labels.Beside)):
		j.inconclusive("the server limits the rate of all polls: a compliant poll got no answer of its own")
	case len(beside) == 0:
		j.missing(neighbour, prefix+labels.Beside)
	case len(slow) == 0 && len(hammer) == 0:
		j.notApplicable("the server sends no slow_down (see POLL-03)")
	case len(slow) == 0:
		j.pass("%d slow_downs for one device, none for %d polls of another device of the same client", len(hammer), len(beside))
	case len(again) == 0:
		j.missing(neighbour, labels.Join(labels.Again, labels.Beside))
	case len(slowDowns(again)) == 0:
		j.warn("slowed-once", "no slow_down for a compliant device, whatever others do", "slow_down while another device of the client polled too fast, but not in a second run", slow...)
	default:
		j.fail("shared", "no slow_down for a compliant device, whatever others do", "slow_down while another device of the client polled too fast, and none before", append([]said{alone}, append(slow, slowDowns(again)...)...)...)
	}
}
