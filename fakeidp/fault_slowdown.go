package fakeidp

import (
	"net/http"
	"sync"
	"time"
)

// slowDownFaults: other ways to slow devices down, and what may go wrong there.
var slowDownFaults = []fault{
	{Fault{"F-POLL-03", "impatience-ends-the-grant", "A poll that comes too early ends the grant: expired_token", Defect},
		change(func(g *grant, arrival time.Time, a answer, f *family) (answer, *family) {
			if a == answerSlowDown {
				_ = g.expire(arrival) // it is undecided
				return answerExpired, nil
			}
			return a, f
		})},
	{Fault{"F-POLL-03b", "hard-limit", "A poll that comes too early gets status 429 without a body, and the interval does not grow", Defect},
		func() behaviour {
			return behaviour{
				poll: unlengthened,
				response: func(x *exchange) {
					if x.oauthError() == answerSlowDown.String() {
						x.status, x.header, x.answer = http.StatusTooManyRequests, http.Header{"Retry-After": {"5"}}, nil
					}
				},
			}
		}},
	{Fault{"F-STR-42", "third-slow-down-kills", "The third slow_down of a code ends it: invalid_grant from then on", Defect}, killedByThird},
	{Fault{"F-POLL-04", "slow-down-loses-the-approval", "The approval of a slowed-down code never arrives", Defect}, loseWhenSlowed},
	{Fault{"F-POLL-06", "fixed-window", "The interval is fixed and counts from the last poll that was not too early", Defect},
		func() behaviour {
			return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
				g.mu.Lock()
				accepted := g.lastPoll
				g.mu.Unlock()
				a, f := unlengthened(g, arrival)
				if a == answerSlowDown {
					g.mu.Lock()
					g.lastPoll = accepted
					g.mu.Unlock()
				}
				return a, f
			}}
		}},
	{Fault{"F-POLL-07", "interval-doubles", "Each slow_down doubles the interval", Defect},
		change(func(g *grant, _ time.Time, a answer, f *family) (answer, *family) {
			if a == answerSlowDown {
				g.mu.Lock()
				g.interval = 2 * (g.interval - slowDownStep)
				g.mu.Unlock()
			}
			return a, f
		})},
	{Fault{"F-POLL-07b", "slowed-for-ever", "After one slow_down, every poll gets slow_down, however late it comes", Defect},
		change(func(g *grant, _ time.Time, a answer, f *family) (answer, *family) {
			if a == answerSlowDown {
				g.longer(time.Hour)
			}
			return a, f
		})},
}

// unlengthened is the state machine with an interval that never grows.
func unlengthened(g *grant, arrival time.Time) (answer, *family) {
	a, f := g.answer(arrival)
	if a == answerSlowDown {
		g.longer(-slowDownStep)
	}
	return a, f
}

// killedByThird forgets a code that was slowed down three times.
func killedByThird() behaviour {
	var (
		mu    sync.Mutex
		slows = map[*grant]int{}
	)
	return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
		mu.Lock()
		defer mu.Unlock()
		if slows[g] >= 3 {
			return answerInvalid, nil
		}
		a, f := g.answer(arrival)
		if a == answerSlowDown {
			slows[g]++
		}
		return a, f
	}}
}

// loseWhenSlowed answers pending for an approved code that was slowed down.
func loseWhenSlowed() behaviour {
	var (
		mu    sync.Mutex
		slows = map[*grant]bool{}
	)
	return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
		mu.Lock()
		slowed := slows[g]
		mu.Unlock()
		g.mu.Lock()
		g.settle(arrival)
		lost := slowed && g.state == stateApproved
		g.mu.Unlock()
		if lost {
			return answerPending, nil
		}
		a, f := g.answer(arrival)
		if a == answerSlowDown {
			mu.Lock()
			slows[g] = true
			mu.Unlock()
		}
		return a, f
	}}
}
