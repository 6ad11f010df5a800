package scenario

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// unpaced are the requests about a device code that do not wait for its
// interval: their theme is another one, or the haste itself.
var unpaced = map[string]*regexp.Regexp{
	transcript.Throttle:         regexp.MustCompile(`/burst/|/probe$|/early$|/old/`),
	transcript.SlowedApproval:   regexp.MustCompile(`^burst/`),
	transcript.ImpatientPolling: regexp.MustCompile(`^burst/`),
	transcript.HastyNeighbour:   regexp.MustCompile(`^(later/|again/)?hammer/`),
	transcript.TokenErrors:      regexp.MustCompile(`^control$|^grant_type/|^unknown/|^repeat/|^extra/|^accept/`),
	transcript.TokenTransport:   regexp.MustCompile(`^types/|^type/|^secret/`),
	transcript.ClientIdentity:   regexp.MustCompile(`^basic/|^two/`),
	transcript.ClientErrors:     regexp.MustCompile(`^right/|^wrong/`),
	transcript.ClientProofs:     regexp.MustCompile(`^token/(wrong key|no signature|expired|not yet|other \w+|again)$`),
	transcript.UnprovenClient:   regexp.MustCompile(`^pending/|/absent$|/secretless$|/wrong$|/foreign$|/failed basic$`),
	transcript.ForeignClient:    regexp.MustCompile(`^control$|/foreign(/\d)?$|/stranger$`),
	transcript.Tenants:          regexp.MustCompile(`/their client$|/our client$`),
	transcript.TokenUse:         regexp.MustCompile(`^served/|^user code as|^mixed/as`),
	transcript.EarlyApproval:    regexp.MustCompile(`^served/`),
	transcript.DecisionRaces:    regexp.MustCompile(`/race/`),
	transcript.RacingPolls:      regexp.MustCompile(`^race/\d+/([2-9]|1\d)$`), // beside the first
	transcript.CompleteURI:      regexp.MustCompile(`^before look$`),
	transcript.Expiry:           regexp.MustCompile(`^(alive|decided)/before$`),
	transcript.Extensions:       regexp.MustCompile(`^dpop/bad/|^dpop/nonce$`),
}

// hasteIn lists the polls that came sooner than the interval, five seconds for
// each slow_down of the code, and the guard band allow.
func hasteIn(said transcript.Transcript) (hasty []string, polls int) {
	type pace struct {
		last, owed, roundTrip time.Duration
	}
	codes := map[string]*pace{}
	// By the time at which they were sent: some are recorded in another order.
	exchanges := slices.Clone(said.Exchanges)
	slices.SortStableFunc(exchanges, func(a, b wire.Exchange) int { return int(a.Sent - b.Sent) })
	for _, x := range exchanges {
		if o, err := x.Object(); err == nil && x.Status == 200 && strings.HasSuffix(x.URL, "/device") {
			code, _ := o.String("device_code")
			interval, _ := o.Number("interval")
			codes[code] = &pace{x.Received, time.Duration(interval * float64(time.Second)), x.Received - x.Sent}
			continue
		}
		p := codes[x.Form().Get("device_code")]
		if p == nil {
			continue
		}
		if pattern := unpaced[said.Scenario]; pattern == nil || !pattern.MatchString(x.Label) {
			polls++
			if gap, least := x.Sent-p.last, p.owed+max(time.Second, 2*p.roundTrip); gap < least {
				hasty = append(hasty, fmt.Sprintf("%s after %s, not %s", x.Label, gap, least))
			}
		}
		p.last, p.roundTrip = max(p.last, x.Received), max(p.roundTrip, x.Received-x.Sent)
		// Steady polling is about the interval as it was advertised.
		if x.OAuthError() == "slow_down" && said.Scenario != transcript.SteadyPolling {
			p.owed += 5 * time.Second
		}
	}
	return hasty, polls
}

// TestPollsKeepTheirPace: in every scenario a poll waits for the interval, five
// seconds for each slow_down, and a guard band, from the receipt of the answer
// before, whatever the target says meanwhile.
func TestPollsKeepTheirPace(t *testing.T) {
	script := func(polls ...string) func(int) []string {
		return func(int) []string { return slices.Clone(polls) }
	}
	slowly := func(_ int, _ http.ResponseWriter, _ *http.Request) bool {
		time.Sleep(1500 * time.Millisecond)
		return false
	}
	for _, target := range []struct {
		name string
		at   func() *idp
	}{
		{"as usual", func() *idp { return &idp{} }},
		{"an interval of eleven", func() *idp { return &idp{interval: 11} }},
		{"slow_down for everybody", func() *idp { return &idp{polls: script("slow_down", "slow_down")} }},
		{"slow_down now and then", func() *idp {
			return &idp{polls: script("authorization_pending", "slow_down", "authorization_pending", "slow_down")}
		}},
		{"overloaded", func() *idp { return &idp{polls: script("503")} }},
		{"broken", func() *idp { return &idp{polls: script("500", "authorization_pending", "502")} }},
		{"far away", func() *idp { return &idp{meddle: slowly} }},
	} {
		t.Run(target.name, func(t *testing.T) {
			all := 0
			for name := range told {
				g := usual(name)
				g.at = target.at()
				hasty, polls := hasteIn(g.one(t, name))
				if all += polls; len(hasty) > 0 {
					t.Errorf("%s: %q", name, hasty)
				}
			}
			if all < 150 {
				t.Errorf("only %d polls were looked at", all)
			}
		})
	}
}

// TestNobodyIsSlowedDownUnasked: a server that keeps strictly to the interval
// sends a slow_down only where a scenario is in a hurry on purpose.
func TestNobodyIsSlowedDownUnasked(t *testing.T) {
	for name := range told {
		for _, x := range usual(name).one(t, name).Exchanges {
			if x.OAuthError() != "slow_down" {
				continue
			}
			if pattern := unpaced[name]; pattern == nil || !pattern.MatchString(x.Label) {
				t.Errorf("%s: %s was slowed down", name, x.Label)
			}
		}
	}
}

// TestWaitsOfTheProtocol: the waits that are no interval.
func TestWaitsOfTheProtocol(t *testing.T) {
	sent := func(said transcript.Transcript, label string) wire.Exchange {
		x, ok := said.First(label)
		if !ok {
			t.Fatalf("%s: nothing is labelled %s", said.Scenario, label)
		}
		return x
	}
	within := func(what string, got, least, most time.Duration) {
		if got < least || got > most {
			t.Errorf("%s: %s, want %s to %s", what, got, least, most)
		}
	}
	const s = time.Second
	said := usual(transcript.Approval).one(t, transcript.Approval)
	within("a code used again, long after", sent(said, "reuse/2").Sent-sent(said, "token/1").Received, 25*s, 30*s)

	said = usual(transcript.LostAnswers).one(t, transcript.LostAnswers)
	within("a poll after a lost answer", sent(said, "again/1").Sent-sent(said, "lost/1").Received, 11*s, 12*s)

	said = usual(transcript.Refresh).one(t, transcript.Refresh)
	within("a replaced refresh token", sent(said, "replay/second").Sent-sent(said, "replay/first").Received, time.Minute, time.Minute+s)

	g := &telling{at: &idp{lifetime: 120}}
	said = g.one(t, transcript.Expiry)
	end := func(story string) time.Duration { return sent(said, story+"/device").Received + 120*s }
	within("untouched", sent(said, "untouched/expired").Sent-end("untouched"), expiryMargin, 5*s)
	within("approved", sent(said, "approved/expired").Sent-end("approved"), expiryMargin, 5*s)
	within("opened", sent(said, "opened/poll").Sent-end("opened"), expiryMargin, 5*s)
	within("entered", sent(said, "entered/poll").Sent-end("entered"), expiryMargin, 5*s)
	within("alive", end("alive")-sent(said, "alive/poll").Sent, 5*s, 15*s)
	within("decided", end("decided")-sent(said, "decided/token").Sent, 5*s, 15*s)
	for label, want := range map[string]string{"alive/poll": "authorization_pending", "untouched/expired/1": "expired_token", "approved/expired": "expired_token", "opened/poll": "expired_token", "decided/token": ""} {
		if got := sent(said, label).OAuthError(); got != want {
			t.Errorf("%s was answered %q", label, got)
		}
	}

	said = usual(transcript.RacingPolls).one(t, transcript.RacingPolls)
	for _, race := range []string{"race/1", "race/2"} {
		first := sent(said, race)
		for _, x := range said.Labelled(race) {
			within(x.Label, max(x.Sent-first.Sent, first.Sent-x.Sent), 0, 0)
		}
	}
}
