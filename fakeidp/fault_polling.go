package fakeidp

import (
	"sync"
	"time"
)

// change wraps the state machine: the real answer is there to be changed.
func change(with func(g *grant, arrival time.Time, a answer, f *family) (answer, *family)) func() behaviour {
	return func() behaviour {
		return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
			a, f := g.answer(arrival)
			return with(g, arrival, a, f)
		}}
	}
}

// instead gives another answer in the place of one.
func instead(of, answered answer) func() behaviour {
	return change(func(_ *grant, _ time.Time, a answer, f *family) (answer, *family) {
		if a == of {
			return answered, nil
		}
		return a, f
	})
}

// longer adds to the interval that the server keeps, but does not advertise.
func (g *grant) longer(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.interval += d
}

// polled counts the polls so far.
func (g *grant) polled() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.polls.count
}

// again is a fresh family of tokens for what was decided before.
func (g *grant) again() *family {
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.family
	g.family = &family{client: old.client, user: old.user, scopes: old.scopes, authTime: old.authTime, asked: old.asked}
	return g.family
}

// pollingFaults: the state machine of RFC 8628 section 3.5.
var pollingFaults = []fault{
	{Fault{"M01", "codes-are-never-used-up", "A device code is never used up: each redemption gets a new token", Defect},
		func() behaviour {
			return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
				g.mu.Lock()
				redeemed := g.state == stateRedeemed
				g.mu.Unlock()
				if redeemed {
					return answerTokens, g.again()
				}
				return g.answer(arrival)
			}}
		}},
	{Fault{"M02", "check-then-act", "Five milliseconds pass between checking a code and using it up", Defect},
		func() behaviour {
			return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
				g.mu.Lock()
				g.settle(arrival)
				approved := g.state == stateApproved
				g.mu.Unlock()
				if !approved {
					return g.answer(arrival)
				}
				time.Sleep(5 * time.Millisecond)
				g.mu.Lock()
				g.state = stateRedeemed
				g.mu.Unlock()
				return answerTokens, g.again()
			}}
		}},
	{Fault{"M03", "no-slow-down", "slow_down is never sent", Defect}, instead(answerSlowDown, answerPending)},
	{Fault{"M04", "slow-down-without-growth", "slow_down does not increase the interval", Defect},
		change(func(g *grant, _ time.Time, a answer, f *family) (answer, *family) {
			if a == answerSlowDown {
				g.longer(-slowDownStep)
			}
			return a, f
		})},
	{Fault{"M05", "slow-down-by-ten", "Each slow_down adds ten seconds instead of five", Defect},
		change(func(g *grant, _ time.Time, a answer, f *family) (answer, *family) {
			if a == answerSlowDown {
				g.longer(slowDownStep)
			}
			return a, f
		})},
	{Fault{"M06", "slow-down-ends-the-grant", "After slow_down, the next response is expired_token", Defect},
		change(func(g *grant, arrival time.Time, a answer, f *family) (answer, *family) {
			if a == answerSlowDown {
				_ = g.expire(arrival) // it is undecided
			}
			return a, f
		})},
	{Fault{"M07", "enforces-twice-the-interval", "The enforced interval is twice the advertised one", Defect},
		func() behaviour { return behaviour{issue: func(g *grant) { g.interval *= 2 }} }},
	{Fault{"M17", "denial-is-lost", "A denial does not reach the device: the response stays authorization_pending", Defect},
		instead(answerDenied, answerPending)},
	{Fault{"M18", "expired-is-pending", "An expired code gets authorization_pending", Defect},
		instead(answerExpired, answerPending)},
	{Fault{"M19", "approved-for-ever", "The age of a code is checked only while it is pending", Defect},
		func() behaviour {
			return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
				g.mu.Lock()
				if g.state == stateApproved {
					g.expires = arrival.Add(time.Minute)
				}
				g.mu.Unlock()
				return g.answer(arrival)
			}}
		}},
	{Fault{"M24", "throttle-by-client", "The throttle counts the polls of a client, not those of a code", Defect}, throttleByClient},
	{Fault{"M25", "writes-the-record-back", "Each poll writes back the whole record: the last write wins", Defect}, writeBack(20 * time.Millisecond)},
	{Fault{"R12", "dies-early", "Codes expire after 80 % of their lifetime", Defect},
		func() behaviour {
			return behaviour{issue: func(g *grant) { g.expires = g.issued.Add(g.expires.Sub(g.issued) * 8 / 10) }}
		}},
	{Fault{"F-POLL-01", "declines-the-second-poll", "The second poll of an undecided code gets access_denied", Defect},
		func() behaviour {
			return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
				a, f := g.answer(arrival)
				if g.polled() == 2 && a == answerPending {
					return answerDenied, nil
				}
				return a, f
			}}
		}},
	{Fault{"F-POLL-09", "denial-wears-off", "After a denial is reported once, the code is pending again", Defect},
		change(func(g *grant, _ time.Time, a answer, f *family) (answer, *family) {
			if a == answerDenied {
				g.mu.Lock()
				g.state = statePending
				g.mu.Unlock()
			}
			return a, f
		})},
	{Fault{"F-POLL-13", "approval-is-not-seen", "Devices see an approval only at the fourth poll after it", Defect}, seenAfter(3)},
	{Fault{"F-STR-43", "two-polls-late", "Devices see an approval two polls late", Defect}, seenAfter(2)},
	{Fault{"F-POLL-13b", "approved-too-early", "A code that was approved before its first poll gets access_denied", Defect},
		func() behaviour {
			return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
				g.mu.Lock()
				early := g.state == stateApproved && g.lastPoll.IsZero()
				if early {
					g.state = stateDenied
				}
				g.mu.Unlock()
				return g.answer(arrival)
			}}
		}},
}

// throttleByClient keeps one time of the last poll for all codes of a client.
func throttleByClient() behaviour {
	var (
		mu   sync.Mutex
		last = map[string]time.Time{}
	)
	return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
		mu.Lock()
		before := last[g.client.ID]
		last[g.client.ID] = arrival
		mu.Unlock()
		g.mu.Lock()
		early := g.state.undecided() && !before.IsZero() && arrival.Sub(before) < g.interval && arrival.Before(g.expires)
		g.mu.Unlock()
		if early {
			return answerSlowDown, nil
		}
		return g.answer(arrival)
	}}
}

// writeBack reads the record, answers, and some time later writes what it read
// back, with the time of the poll. A change in between is lost.
func writeBack(after time.Duration) func() behaviour {
	return func() behaviour {
		return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
			g.mu.Lock()
			g.settle(arrival)
			read, approved, interval := g.state, g.family, g.interval
			g.mu.Unlock()
			a, f := g.answer(arrival)
			if read == stateApproved {
				// This poll used the code up: it writes that.
				return a, f
			}
			time.Sleep(after)
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.state != stateExpired {
				g.state, g.family = read, approved
			}
			if a == answerSlowDown {
				g.state, g.interval = stateSlowed, interval+slowDownStep
			}
			return a, f
		}}
	}
}

// seenAfter answers pending to the first polls after an approval.
func seenAfter(polls int) func() behaviour {
	return func() behaviour {
		var (
			mu   sync.Mutex
			seen = map[*grant]int{}
		)
		return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
			g.mu.Lock()
			g.settle(arrival)
			approved := g.state == stateApproved
			g.mu.Unlock()
			if approved {
				mu.Lock()
				seen[g]++
				n := seen[g]
				mu.Unlock()
				if n <= polls {
					g.mu.Lock()
					g.lastPoll = arrival
					g.mu.Unlock()
					return answerPending, nil
				}
			}
			return g.answer(arrival)
		}}
	}
}
