package loadgen

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// oneMinute is a plan of a hundred devices for a minute.
func oneMinute() profiles.Plan {
	return profiles.Plan{
		Devices: 100, Duration: time.Minute, WarmUp: new(time.Duration), Replace: new(false), Drain: new(30 * time.Second),
		Arrival:  profiles.Arrival{Over: 5 * time.Second},
		Approval: profiles.Approval{ThinkMin: new(5 * time.Second), ThinkMax: new(20 * time.Second)},
	}
}

// TestLives: devices that are approved, denied, given up and left to expire all
// end as they should, and the ledger balances.
func TestLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(5*time.Second, 40*time.Second)
		plan := oneMinute()
		plan.Mix = profiles.Mix{Approve: new(0.4), Deny: new(0.2), Expire: new(0.2)}
		r := runVirtual(t, v, plan)
		d := r.Devices
		if d.Issued != 100 || d.Tokens != d.Approved || d.Refused != d.Denied || d.Tokens+d.Refused+d.Expired+d.Abandoned != 100 || d.Failed+d.Waiting != 0 {
			t.Errorf("%+v", d)
		}
		for name, n := range map[string]int{"approved": d.Approved, "denied": d.Denied, "expired": d.Expired, "abandoned": d.Abandoned} {
			if n < 5 {
				t.Errorf("only %d %s: %+v", n, name, d)
			}
		}
		if !r.Ledger.Clean || r.Ledger.Approved != d.Approved || r.Ledger.Tokens != d.Approved || r.Ledger.Open != 0 {
			t.Errorf("%+v", r.Ledger)
		}
		if r.Tokens.PollsMax != 1 || r.Tokens.TimeToToken.MaxMS > 5100 || r.Tokens.Excess.MaxMS > 50 {
			t.Errorf("the token came with the first poll after the approval: %+v", r.Tokens)
		}
		if r.Expiry.Heard != d.Expired || r.Expiry.Early+r.Expiry.Late != 0 {
			t.Errorf("%+v, %d expired", r.Expiry, d.Expired)
		}
		if r.Verdict != Held {
			t.Errorf("%s %v", r.Verdict, r.Validity)
		}
	})
}

// TestGreedyLedger: servers that redeem twice, lose approvals or hand out
// tokens unasked are caught, each by its own line of the ledger, with the device
// and what it saw. A clean server is not accused.
func TestGreedyLedger(t *testing.T) {
	for _, test := range []struct {
		name, want string
		mix        profiles.Mix
		answer     func(g *virtualGrant, at time.Time) (int, string)
	}{
		{name: "clean"},
		{name: "codes are never used up", want: "two-tokens", answer: func(g *virtualGrant, at time.Time) (int, string) {
			if !g.approved {
				return 0, ""
			}
			return 200, `{"access_token":"` + at.String() + `","token_type":"Bearer"}`
		}},
		{name: "a token for everybody", want: "token-without-approval", answer: func(g *virtualGrant, at time.Time) (int, string) {
			return 200, `{"access_token":"` + at.String() + `","token_type":"Bearer"}`
		}},
		{name: "denied is approved", want: "token-for-denied", mix: profiles.Mix{Approve: new(0.5), Deny: new(0.5)}, answer: func(g *virtualGrant, at time.Time) (int, string) {
			if g.denied {
				return 200, `{"access_token":"` + at.String() + `","token_type":"Bearer"}`
			}
			return 0, ""
		}},
		{name: "approvals are lost", want: "approved-still-pending", answer: func(g *virtualGrant, _ time.Time) (int, string) {
			g.approved = false
			return 0, ""
		}},
		{name: "approved and refused", want: "approved-without-token", answer: func(g *virtualGrant, _ time.Time) (int, string) {
			if g.approved {
				return 400, `{"error":"invalid_grant"}`
			}
			return 0, ""
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVirtual(5*time.Second, time.Hour)
				v.answer = test.answer
				plan := oneMinute()
				plan.Mix, plan.Greedy.Share = test.mix, new(0.3)
				r := runVirtual(t, v, plan)
				if test.want == "" {
					if !r.Ledger.Clean || r.Ledger.Greedy < 10 || r.ExitCode != ExitHeld {
						t.Errorf("%+v %d", r.Ledger, r.ExitCode)
					}
					return
				}
				i := slices.IndexFunc(r.Ledger.Violations, func(v Violation) bool { return v.Code == test.want })
				if r.Ledger.Clean || r.ExitCode != ExitMissed || i < 0 {
					t.Fatalf("exit %d, want %s: %+v", r.ExitCode, test.want, r.Ledger)
				}
				e := r.Ledger.Violations[i].Examples[0]
				if len(e.History) < 2 || e.Device == 0 {
					t.Errorf("the counter-example is %+v", e)
				}
				if test.want != "approved-still-pending" && test.want != "approved-without-token" && len(e.Exchanges) == 0 {
					t.Error("the counter-example has no exchange")
				}
			})
		})
	}
}

// TestLedgerIsNotClean: what breaks no rule is said all the same, with its own
// word: a token given again for a used code, and devices that get nothing but
// slow_down once they are approved.
func TestLedgerIsNotClean(t *testing.T) {
	for _, test := range []struct {
		name              string
		replayed, starved bool
		answer            func(g *virtualGrant, at time.Time) (int, string)
	}{
		{name: "the same token again", replayed: true, answer: func(g *virtualGrant, _ time.Time) (int, string) {
			if !g.approved {
				return 0, ""
			}
			return 200, fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer"}`, g.n)
		}},
		{name: "slow_down for ever", starved: true, answer: func(g *virtualGrant, _ time.Time) (int, string) {
			if !g.approved {
				return 0, ""
			}
			return 400, `{"error":"slow_down"}`
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVirtual(5*time.Second, time.Hour)
				v.answer = test.answer
				plan := oneMinute()
				plan.Duration, plan.Greedy.Share = 3*time.Minute, new(0.3)
				r := runVirtual(t, v, plan)
				if !r.Ledger.Clean || (r.Ledger.Replayed > 0) != test.replayed || (r.Ledger.Starved > 0) != test.starved {
					t.Errorf("%+v", r.Ledger)
				}
			})
		})
	}
}

// TestImpatient: the report tells servers apart by whom they slow down.
func TestImpatient(t *testing.T) {
	for _, test := range []struct {
		name, class, rest string
		answer            func(v *virtual) func(g *virtualGrant, at time.Time) (int, string)
	}{
		{name: "strict", class: classExact, rest: classExact},
		{name: "never slow_down", class: classNone, rest: classNone, answer: func(*virtual) func(*virtualGrant, time.Time) (int, string) {
			return func(g *virtualGrant, _ time.Time) (int, string) { g.last = time.Time{}; return 0, "" }
		}},
		{name: "no growth", class: classForgiving, rest: classForgiving, answer: func(v *virtual) func(*virtualGrant, time.Time) (int, string) {
			return func(g *virtualGrant, _ time.Time) (int, string) { g.interval = v.interval; return 0, "" }
		}},
		{name: "twice the interval", class: classPunishing, rest: classPunishing, answer: func(v *virtual) func(*virtualGrant, time.Time) (int, string) {
			return func(g *virtualGrant, _ time.Time) (int, string) {
				g.interval = max(g.interval, 2*v.interval)
				return 0, ""
			}
		}},
		{name: "counted together", class: classPunishing, rest: classExact, answer: func(*virtual) func(*virtualGrant, time.Time) (int, string) {
			var last time.Time
			return func(g *virtualGrant, at time.Time) (int, string) {
				if g.n == 1 {
					return 0, "" // alone
				}
				early := at.Sub(last) < 5*time.Second
				last = at
				if early {
					return 400, `{"error":"slow_down"}`
				}
				return 400, `{"error":"authorization_pending"}`
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVirtual(5*time.Second, time.Hour)
				if test.answer != nil {
					v.answer = test.answer(v)
				}
				plan := oneMinute()
				plan.Mix = profiles.Mix{Approve: new(0.0), Expire: new(1.0)}
				plan.Impatient.Share, plan.AtRest = new(0.4), new(true)
				r := runVirtual(t, v, plan)
				s := r.SlowDown
				if s.Class != test.class || s.AtRest == nil || s.AtRest.Class != test.rest {
					t.Errorf("class %q, want %q; at rest %+v, want %q; %+v", s.Class, test.class, s.AtRest, test.rest, s)
				}
				if test.class == classExact && (s.Obedient.SlowDowns > 0 || s.Hurried.Share < 0.9 || s.Forgetful.Polls < 10) {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}
