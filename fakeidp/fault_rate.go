package fakeidp

import (
	"net/http"
	"sync"
	"time"
)

// rateFaults show only now and then: one sample says nothing about them.
var rateFaults = []fault{
	{Fault{"F-POLL-13c", "every-twentieth-approval-is-lost", "Of each session's approvals, every twentieth is not stored, and the page says that it was", Defect},
		func() behaviour {
			nth := everyNthApproval(20)
			return behaviour{request: func(x *exchange) bool {
				if !nth(x) {
					return false
				}
				x.p.renderResult(x, http.StatusOK, x.p.session(x.r), "Device approved", "You can go back to your device.")
				return true
			}}
		}},
	{Fault{"F-POLL-02", "every-eighth-poll-is-slowed", "Every eighth poll gets slow_down if its code is pending, whatever its pace", Defect}, everyEighthSlowed},
	{Fault{"B90", "some-approvals-are-seen-late", "Of each session's approvals, every third is seen one poll late", Benign}, someSeenLate},
}

// everyNthApproval returns a function that says of a request whether it is the n-th,
// 2n-th ... approval of its session.
func everyNthApproval(n int) func(x *exchange) bool {
	var (
		mu    sync.Mutex
		count = map[*session]int{}
	)
	return func(x *exchange) bool {
		s := x.p.session(x.r)
		if s == nil || !x.post(pathConsent) || x.form.Get("decision") != "approve" {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		count[s]++
		return count[s]%n == 0
	}
}

func everyEighthSlowed() behaviour {
	var (
		mu    sync.Mutex
		polls int
	)
	return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
		mu.Lock()
		polls++
		slowed := polls%8 == 0
		mu.Unlock()
		a, f := g.answer(arrival)
		if slowed && a == answerPending {
			g.longer(slowDownStep)
			return answerSlowDown, nil
		}
		return a, f
	}}
}

// someSeenLate answers pending once to the device of such an approval.
func someSeenLate() behaviour {
	third := everyNthApproval(3)
	var (
		mu   sync.Mutex
		late = map[*grant]bool{}
	)
	return behaviour{
		request: func(x *exchange) bool {
			if third(x) {
				code, _ := x.p.userCodes.normalise(x.form.Get("user_code"))
				if e, ok := x.p.session(x.r).enteredCode(code); ok {
					mu.Lock()
					late[e.grant] = true
					mu.Unlock()
				}
			}
			return false
		},
		poll: func(g *grant, arrival time.Time) (answer, *family) {
			g.mu.Lock()
			approved := g.state == stateApproved
			if approved {
				g.lastPoll = arrival
			}
			g.mu.Unlock()
			mu.Lock()
			defer mu.Unlock()
			if approved && late[g] {
				delete(late, g)
				return answerPending, nil
			}
			return g.answer(arrival)
		},
	}
}
