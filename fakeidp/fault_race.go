package fakeidp

import (
	"net/http"
	"sync"
	"time"
)

// raceFaults show only when several requests fall into one moment. All their
// times are real ones.
var raceFaults = []fault{
	{Fault{"F-POLL-15", "race-loses-the-grant", "Two simultaneous polls for an approved code both use it up, and neither gets the token", Defect}, loseInRace},
	{Fault{"F-POLL-15b", "same-token-in-a-race", "Polls within a second of the one that got the token get the same token", Defect}, repeatInRace},
	{Fault{"F-POLL-16", "old-state-written-back", "For two milliseconds, a poll has read the state that it then writes back, and the decision takes 16", Defect}, oldStateWrittenBack},
	{Fault{"F-POLL-19", "lost-answer-is-pending-for-ever", "If the device hangs up before the token is sent, the code stays pending", Defect}, forgetWhenHungUp},
	{Fault{"F-LOAD-01", "neighbours-token", "When many devices that requested a single scope poll, the next one gets a token for another device's end user", Defect}, neighboursToken},
}

// deviceCode is the code of a device access token request, "" for any other.
func (x *exchange) deviceCode() string {
	if !x.post("/token") || x.form.Get("grant_type") != grantTypeDevice {
		return ""
	}
	return x.form.Get("device_code")
}

// loseInRace counts the polls for a code that are under way.
func loseInRace() behaviour {
	var (
		mu       sync.Mutex
		underWay = map[*grant]int{}
	)
	return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
		count := func(by int) int {
			mu.Lock()
			defer mu.Unlock()
			underWay[g] += by
			return underWay[g]
		}
		count(1)
		defer count(-1)
		time.Sleep(5 * time.Millisecond)
		g.mu.Lock()
		if g.state == stateApproved && count(0) > 1 {
			g.state = stateRedeemed
		}
		g.mu.Unlock()
		return g.answer(arrival)
	}}
}

// oldStateWrittenBack is a server whose pages take much longer than the window in
// which a poll undoes what they write.
func oldStateWrittenBack() behaviour {
	const before, after = 8 * time.Millisecond, 8 * time.Millisecond
	b := writeBack(2 * time.Millisecond)()
	b.request = func(x *exchange) bool {
		if x.post(pathConsent) {
			time.Sleep(before)
		}
		return false
	}
	b.response = func(x *exchange) {
		if x.post(pathConsent) {
			x.delay = after
		}
	}
	return b
}

// seenLater is a server whose devices see a decision some milliseconds after the
// page has confirmed it: it comes by way of a replica.
func seenLater() behaviour {
	const later = 3 * time.Millisecond
	var (
		mu     sync.Mutex
		hidden = map[*grant]bool{}
	)
	hide := func(x *exchange, yes bool) {
		if !x.post(pathConsent) {
			return
		}
		if g, err := x.p.find(x.form.Get("user_code")); err == nil {
			mu.Lock()
			hidden[g] = yes
			mu.Unlock()
		}
	}
	return behaviour{
		request:  func(x *exchange) bool { hide(x, true); return false },
		response: func(x *exchange) { time.AfterFunc(later, func() { hide(x, false) }) },
		poll: func(g *grant, arrival time.Time) (answer, *family) {
			mu.Lock()
			early := hidden[g]
			mu.Unlock()
			if !early {
				return g.answer(arrival)
			}
			g.mu.Lock()
			state := g.state
			if state == stateApproved || state == stateDenied {
				g.state = statePending
			}
			g.mu.Unlock()
			a, _ := g.answer(arrival)
			g.mu.Lock()
			defer g.mu.Unlock()
			if state == stateApproved || state == stateDenied {
				g.state = state
			}
			return a, nil
		},
	}
}

// repeatInRace keeps the answer that brought a token, for a second.
func repeatInRace() behaviour {
	type kept struct {
		at   time.Time
		body []byte
	}
	var (
		mu   sync.Mutex
		last = map[string]kept{}
	)
	return behaviour{response: func(x *exchange) {
		code := x.deviceCode()
		if code == "" {
			return
		}
		if x.status == http.StatusOK {
			mu.Lock()
			last[code] = kept{time.Now(), x.answer}
			mu.Unlock()
			return
		}
		if x.oauthError() != answerInvalid.String() {
			return
		}
		time.Sleep(20 * time.Millisecond) // the winner may still be at it
		mu.Lock()
		defer mu.Unlock()
		if k, ok := last[code]; ok && time.Since(k.at) < time.Second {
			x.status, x.answer = http.StatusOK, k.body
		}
	}}
}

// forgetWhenHungUp takes the decision back when nobody waits for the token.
func forgetWhenHungUp() behaviour {
	return behaviour{response: func(x *exchange) {
		code := x.deviceCode()
		if code == "" || x.status != http.StatusOK {
			return
		}
		select {
		case <-x.r.Context().Done():
		case <-time.After(50 * time.Millisecond):
			return
		}
		if g, err := x.p.find(code); err == nil {
			g.mu.Lock()
			g.state, g.family = statePending, nil
			g.mu.Unlock()
		}
	}}
}

// neighboursToken remembers who polled lately. It looks at, and hands tokens to,
// devices that asked for a single scope: only a fleet has so many of them. The
// time is longer than a polling interval, so that it does not depend on the
// machine's speed how many of a fleet's polls come together.
func neighboursToken() behaviour {
	const lately, many = 6 * time.Second, 8
	type seen struct {
		at time.Time
		g  *grant
	}
	var (
		mu     sync.Mutex
		latest []seen
	)
	// neighbour returns somebody's family when many devices poll.
	neighbour := func(g *grant) *family {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		for len(latest) > 0 && now.Sub(latest[0].at) > lately {
			latest = latest[1:]
		}
		devices := map[*grant]bool{}
		var found *family
		for _, s := range latest {
			devices[s.g] = true
			s.g.mu.Lock()
			if s.g != g && s.g.family != nil {
				found = s.g.family
			}
			s.g.mu.Unlock()
		}
		latest = append(latest, seen{now, g})
		if len(devices) < many {
			return nil
		}
		return found
	}
	return behaviour{poll: func(g *grant, arrival time.Time) (answer, *family) {
		if len(g.requested) != 1 {
			return g.answer(arrival)
		}
		theirs := neighbour(g)
		a, f := g.answer(arrival)
		if a == answerPending && theirs != nil {
			return answerTokens, theirs
		}
		return a, f
	}}
}
