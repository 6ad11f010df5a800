package scenario

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// ending is how a transcript says that the scenario did not come to its end.
func ending(said transcript.Transcript) string {
	for name, text := range map[string]string{"aborted": said.Aborted, "absent": said.Absent, "skipped": said.Skipped, "broken": said.Broken} {
		if text != "" {
			return name + ": " + text
		}
	}
	return ""
}

// TestTrouble: where the target, the person or the profile does not go along, a
// scenario ends at once and says why. What a rule can judge all the same is no
// trouble: those scenarios are listed.
func TestTrouble(t *testing.T) {
	withoutPersons := []string{}
	for _, s := range All() {
		// Expiry is worth telling without persons, too, and then says what it lacks.
		if !s.Browser && s.Name != transcript.Expiry {
			withoutPersons = append(withoutPersons, s.Name)
		}
	}
	// Their persons have more to do than what failed, or come after all the rest.
	also := func(more ...string) []string { return append(slices.Clone(withoutPersons), more...) }
	maybePersons := also(transcript.Scopes, transcript.ClientIdentity)
	endpoint := func(path string, answer func(w http.ResponseWriter, r *http.Request)) func(*telling) {
		return func(g *telling) {
			g.at = &idp{meddle: func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, path) {
					return false
				}
				answer(w, r)
				return true
			}}
		}
	}
	for _, test := range []struct {
		name    string
		trouble func(*telling)
		// want is in the reason of every scenario but those in fine.
		want string
		fine []string
		// special are scenarios with a reason of their own.
		special map[string]string
		// within is what the longest may take.
		within time.Duration
	}{
		{name: "no codes for anybody", trouble: endpoint("/device", func(w http.ResponseWriter, _ *http.Request) { refuse(w, 400, "invalid_client") }),
			want:   `no codes: the device authorization response (status 400) has no device_code, error is "invalid_client"`,
			fine:   []string{transcript.Metadata, transcript.Codes, transcript.HostileCharacters},
			within: 0},
		{name: "codes that are no JSON", trouble: endpoint("/device", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }),
			want: `no codes: the device authorization response (status 200, text/html; charset=utf-8) is no JSON object`,
			fine: []string{transcript.Metadata, transcript.Codes, transcript.HostileCharacters}},
		{name: "codes without a device_code", trouble: endpoint("/device", func(w http.ResponseWriter, _ *http.Request) { say(w, 200, map[string]any{"user_code": "U"}) }),
			want: `no codes: the device authorization response (status 200) has no device_code`,
			fine: []string{transcript.Metadata, transcript.Codes, transcript.HostileCharacters}},
		{name: "overloaded", trouble: endpoint("", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }), want: "503",
			special: map[string]string{transcript.Tenants: "the second tenant's metadata (http://scripted/there) names no endpoints"},
			within:  2 * time.Minute},
		{name: "silent", trouble: endpoint("", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), want: "timeout: no complete answer",
			within: time.Minute},
		{name: "no user agent", trouble: func(g *telling) {
			g.environment = func(e *Environment) { e.Driver, e.NoDriver = nil, "there is no browser" }
		}, want: "aborted: no user agent: there is no browser", fine: maybePersons, within: 11 * time.Minute},
		{name: "no further user agent", trouble: func(g *telling) { g.by = &people{absent: errors.New("no memory")} },
			want: "aborted: no user agent: no memory", fine: maybePersons, within: 11 * time.Minute},
		{name: "pages that nobody understands", trouble: func(g *telling) {
			g.by = &people{meet: func(int, useragent.Task) (transcript.Outcome, bool) { return transcript.Unfinished, true }}
		}, want: "not_recognised: a scripted end", within: 11 * time.Minute,
			fine: append(slices.Clone(maybePersons), transcript.Expiry, transcript.NoSession, transcript.TwoPeople, transcript.Tenants, transcript.Abandoned, transcript.CodeEntry, transcript.Redirection, transcript.Injection)},
		{name: "nobody has an account", trouble: func(g *telling) { g.profile = func(p *profiles.Profile) { p.Users = profiles.Users{} } },
			want: "aborted: no end user can log in: the profile has no user (users.first)", within: 11 * time.Minute,
			fine: append(slices.Clone(maybePersons), transcript.Expiry, transcript.TokenTransport, transcript.Injection)},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, s := range All() {
				if s.Name == transcript.Guessing {
					continue
				}
				g := &telling{}
				if test.trouble(g); s.Name == transcript.Transport {
					g.https = true
				}
				said := g.one(t, s.Name)
				got, want := ending(said), test.want
				if special := test.special[s.Name]; special != "" {
					want = special
				}
				if slices.Contains(test.fine, s.Name) {
					if got != "" {
						t.Errorf("%s: %q, but it can go on", s.Name, got)
					}
				} else if !strings.Contains(got, want) {
					t.Errorf("%s: %q, want %q", s.Name, got, want)
				}
				if took := said.Ended - said.Started; took > test.within {
					t.Errorf("%s: it took %s to notice", s.Name, took)
				}
			}
		})
	}
}

// TestEndings: single scenarios that do not apply, or would take too long.
func TestEndings(t *testing.T) {
	with := func(change func(*profiles.Profile)) *telling { return &telling{profile: change} }
	budget := func(d time.Duration) *telling {
		return &telling{environment: func(e *Environment) { e.TimeBudget = d }}
	}
	harmless := &telling{by: &people{harmless: true, name: "forms"}}
	ends := func(outcome transcript.Outcome, names ...string) *telling {
		return &telling{by: &people{meet: func(_ int, task useragent.Task) (transcript.Outcome, bool) {
			return outcome, slices.Contains(names, task.Name)
		}}}
	}
	for _, test := range []struct {
		scenario string
		telling  *telling
		want     string
		// exchanges and journeys are how many there were until then.
		exchanges, journeys int
	}{
		{transcript.Transport, &telling{}, "absent: the server uses http, as the profile allows (tls.allow_http)", 0, 0},
		{transcript.Metadata, with(func(p *profiles.Profile) { p.Discovery = "off" }), "absent: the profile turns discovery off or names no issuer", 0, 0},
		{transcript.ForeignClient, with(alone), "absent: the profile has no second client", 0, 0},
		{transcript.DecidedCodes, with(alone), "absent: the profile has no second user (users.second)", 0, 0},
		{transcript.TwoPeople, with(alone), "absent: the profile has no second user (users.second)", 0, 0},
		{transcript.Tenants, with(alone), "absent: the profile has no second tenant (tenant)", 0, 0},
		{transcript.ClientErrors, with(alone), "absent: the profile has no confidential client", 0, 0},
		{transcript.ClientErrors, with(func(p *profiles.Profile) { p.Clients.Confidential.Auth = profiles.AuthPost }), "absent: the confidential client does not use HTTP Basic", 0, 0},
		{transcript.UnprovenClient, with(func(p *profiles.Profile) {
			p.Clients = profiles.Clients{Public: p.Clients.Confidential}
		}), "absent: the profile has neither a public client nor one that authenticates", 0, 0},
		{transcript.CompleteURI, &telling{at: &idp{plain: true}}, "absent: the device authorization response has no verification_uri_complete", 1, 0},
		{transcript.Denial, ends(transcript.NoWayToDeny, "deny"), "absent: the pages offer no way to deny", 2, 1},
		{transcript.SlowedApproval, &telling{at: &idp{unthrottled: true}}, "absent: the server sends no slow_down (see POLL-03)", 6, 0},

		{transcript.CrossSite, harmless, "aborted: hostile pages need a real browser, but the driver is forms", 0, 0},
		{transcript.Redirection, harmless, "aborted: hostile pages need a real browser, but the driver is forms", 0, 0},
		{transcript.Injection, harmless, "aborted: hostile pages need a real browser, but the driver is forms", 1, 0},
		{transcript.Framing, harmless, "aborted: hostile pages need a real browser, but the driver is forms", 0, 0},
		{transcript.CrossSite, ends(transcript.CodeRejected, "another session"), "aborted: no decision page appeared (another session: code rejected)", 1, 1},
		{transcript.CrossSite, ends(transcript.AtDecision, "another session"), "aborted: could not intercept the approve request: no decision page is open", 1, 1},
		{transcript.CrossSite, ends(transcript.Approved, "raw/no token"), "aborted: no decision page appeared (raw/no token: approved)", 10, 6},

		{transcript.Fleet, &telling{by: &people{name: "manual"}}, "skipped: the manual driver would ask for six more decisions", 0, 0},
		{transcript.Expiry, budget(time.Minute), "skipped: the code lifetime is 10m0s and the time budget is 1m0s: use --time-budget 11m0s, or set an expiry target with short-lived codes in the profile", 1, 0},
		{transcript.Refresh, budget(30 * time.Second), "skipped: limits.refresh_grace is 1m0s and the time budget is 30s: use a longer --time-budget", 0, 2},
		{transcript.SteadyPolling, budget(3 * time.Second), "skipped: the polling interval is 5s and the time budget is 3s: use a longer --time-budget", 1, 0},
		{transcript.RepeatedGrants, &telling{by: &people{name: "manual"}}, "skipped: the manual driver would ask for a decision about each grant", 0, 0},
		{transcript.Fleet, budget(3 * time.Second), "skipped: the polling interval is 5s and the time budget is 3s: use a longer --time-budget", 8, 0},
		{transcript.ImpatientPolling, budget(8 * time.Second), "skipped: the polling interval is 10s and the time budget is 8s: use a longer --time-budget", 3, 0},
		{transcript.Approval, &telling{at: &idp{lifetime: 20}}, "aborted: the code lifetime of 20s is too short for this scenario at an interval of 5s", 7, 1},
	} {
		t.Run(test.scenario, func(t *testing.T) {
			said := test.telling.one(t, test.scenario)
			if got := ending(said); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if n := len(said.Exchanges); n != test.exchanges && test.exchanges > 0 || len(said.Journeys) != test.journeys {
				t.Errorf("%d exchanges and %d journeys, want %d and %d: %q", n, len(said.Journeys), test.exchanges, test.journeys, labelsOf(said))
			}
		})
	}
}

// TestInterrupted: wherever a run is interrupted, its scenarios end at that
// moment, and those that still had something to do say so.
func TestInterrupted(t *testing.T) {
	for name := range told {
		ended := usual(name).one(t, name).Ended
		for _, share := range []time.Duration{5, 2} {
			if ended < time.Second {
				continue // it is over before anybody can interrupt it
			}
			g := usual(name)
			g.stop = ended / share
			said := g.one(t, name)
			if said.Aborted != "the run was interrupted" {
				t.Errorf("%s, which takes %s, stopped after %s: %q", name, ended, g.stop, ending(said))
			}
			if said.Ended > g.stop {
				t.Errorf("%s: interrupted after %s, it ended after %s", name, g.stop, said.Ended)
			}
		}
	}
}

// TestPersonsComeInOrder: what one person does at the pages can change what the
// next one meets, so refusals come before approvals, and approvals before those
// who want to be asked again.
func TestPersonsComeInOrder(t *testing.T) {
	var names []string
	for _, s := range All() {
		if s.Name != transcript.Guessing {
			names = append(names, s.Name)
		}
	}
	g := &telling{by: &people{takes: 100 * time.Millisecond}}
	all := g.tell(t, names...)
	from, till := map[string]time.Time{}, map[string]time.Time{}
	for name, said := range all {
		if said.Aborted != "" {
			t.Errorf("%s: %s", name, said.Aborted)
		}
		for _, j := range said.Journeys {
			for _, e := range g.by.done {
				if e.task.Name != j.Name || e.task.Goal != j.Goal || e.task.Start != j.Start || !slices.ContainsFunc(said.Exchanges, func(x wire.Exchange) bool { return stringIn(x, "user_code") == e.task.UserCode }) {
					continue
				}
				if f, ok := from[name]; !ok || e.from.Before(f) {
					from[name] = e.from
				}
				if e.till.After(till[name]) {
					till[name] = e.till
				}
			}
		}
	}
	for after, before := range map[string][]string{
		transcript.EarlyApproval:   {transcript.Denial, transcript.Approval},
		transcript.CompleteURI:     {transcript.Denial, transcript.Approval},
		transcript.CodeEntry:       {transcript.Denial, transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI},
		transcript.TwoPeople:       {transcript.Denial, transcript.Approval, transcript.EarlyApproval, transcript.Framing, transcript.CrossSite},
		transcript.Redirection:     {transcript.Framing, transcript.CrossSite, transcript.TwoPeople},
		transcript.Fleet:           {transcript.Denial, transcript.Approval},
		transcript.RepeatedGrants:  {transcript.Denial, transcript.Approval},
		transcript.Refresh:         {transcript.Denial, transcript.Approval},
		transcript.RepeatedConsent: {transcript.Denial, transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI},
	} {
		for _, first := range before {
			if till[first].IsZero() || from[after].IsZero() {
				t.Errorf("%s or %s has no persons", first, after)
			} else if from[after].Before(till[first]) {
				t.Errorf("%s began %s before the persons of %s had left", after, till[first].Sub(from[after]), first)
			}
		}
	}
	for _, last := range []string{transcript.Codes, transcript.HostileSizes} {
		for name, said := range all {
			if name != transcript.Codes && name != transcript.HostileSizes && len(all[last].Exchanges) > 0 && all[last].Exchanges[0].Sent < said.Ended {
				t.Errorf("%s began at %s, and %s ended at %s", last, all[last].Exchanges[0].Sent, name, said.Ended)
			}
		}
	}
}
