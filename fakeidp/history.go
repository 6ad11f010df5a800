package fakeidp

import (
	"sort"
	"strings"
	"time"
)

// Poll is one token request of a device, as the server saw it.
type Poll struct {
	// At is the arrival, in the target's seconds since the code was issued.
	At float64 `json:"at"`
	// Answer is the error code, or "200".
	Answer string `json:"answer"`
	// TooFast says that it came before the current interval was over. It can be
	// true for any answer, because only an undecided code gets slow_down.
	TooFast bool `json:"too_fast,omitempty"`
}

// Code is one device authorization, as the server saw it.
type Code struct {
	DeviceCode string `json:"device_code"`
	// UserCode is spelled as shown to the end user.
	UserCode string `json:"user_code"`
	ClientID string `json:"client_id"`
	// State is pending, slowed, approved, denied, expired or redeemed.
	State string `json:"state"`
	// Scope is the requested scope; Granted and User are empty until the
	// approval.
	Scope   string `json:"scope"`
	Granted string `json:"granted,omitempty"`
	User    string `json:"user,omitempty"`
	// Issued is in the target's time.
	Issued time.Time `json:"issued"`
	// Interval is the current one, in seconds.
	Interval float64 `json:"interval"`
	// Polls are the latest ones, the oldest first.
	Polls []Poll `json:"polls"`
	// PollCount counts all polls, and TooFastCount those that came too early.
	PollCount    int `json:"poll_count"`
	TooFastCount int `json:"too_fast_count"`
}

// history is the memory of the latest polls of one grant. It is a ring, so
// that a device that polls for ever costs a constant.
type history struct {
	limit   int
	entries []pollEntry
	count   int
	early   int
}

// pollEntry is a [Poll] at a third of the size.
type pollEntry struct {
	at     time.Duration
	answer answer
	early  bool
}

func (h *history) add(at time.Duration, a answer, early bool) {
	if early {
		h.early++
	}
	if entry := (pollEntry{at, a, early}); len(h.entries) < h.limit {
		h.entries = append(h.entries, entry)
	} else if h.limit > 0 {
		h.entries[h.count%h.limit] = entry
	}
	h.count++
}

// polls returns the entries in their order.
func (h *history) polls() []Poll {
	oldest := 0
	if h.count > h.limit {
		oldest = h.count % max(1, h.limit)
	}
	polls := make([]Poll, 0, len(h.entries))
	for i := range h.entries {
		e := h.entries[(oldest+i)%len(h.entries)]
		polls = append(polls, Poll{At: e.at.Seconds(), Answer: e.answer.String(), TooFast: e.early})
	}
	return polls
}

// seen describes the grant as it stands at now.
func (p *IdP) seen(g *grant, now time.Time) Code {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settle(now)
	c := Code{
		DeviceCode:   g.deviceCode,
		UserCode:     p.userCodes.display(g.userCode),
		ClientID:     g.client.ID,
		State:        g.state.String(),
		Scope:        strings.Join(g.requested, " "),
		Issued:       g.issued,
		Interval:     g.interval.Seconds(),
		Polls:        g.polls.polls(),
		PollCount:    g.polls.count,
		TooFastCount: g.polls.early,
	}
	if g.family != nil {
		c.Granted = strings.Join(g.family.scopes, " ")
		c.User = g.family.user.Name
	}
	return c
}

// Code returns what the server saw of the grant with that device code or user
// code.
func (p *IdP) Code(code string) (Code, error) {
	g, err := p.find(code)
	if err != nil {
		return Code{}, err
	}
	return p.seen(g, p.clock.Now()), nil
}

// Codes returns what the server saw of every grant that it remembers, oldest
// first.
func (p *IdP) Codes() []Code {
	now := p.clock.Now()
	codes := []Code{}
	for _, g := range p.grants.all(now) {
		codes = append(codes, p.seen(g, now))
	}
	sort.Slice(codes, func(i, j int) bool { return codes[i].Issued.Before(codes[j].Issued) })
	return codes
}
