package fakeidp

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"
)

// grant is one device authorization (RFC 8628): what the device requested, and
// what the end user has done so far. All changes go through the methods in this
// file, each of which is one atomic step.
//
//	state     poll in time           poll too early         approve      deny      end of lifetime
//	--------  ---------------------  ---------------------  -----------  --------  ---------------
//	pending   authorization_pending  slow_down  → slowed    → approved   → denied  → expired
//	slowed    authorization_pending  slow_down  (+5 s)      → approved   → denied  → expired
//	approved  200  → redeemed        200  → redeemed        refused      refused   → expired
//	denied    access_denied          access_denied          refused      refused   stays
//	expired   expired_token          expired_token          refused      refused   stays
//	redeemed  invalid_grant          invalid_grant          refused      refused   stays
//
// A poll is too early if it arrives less than the current interval after the
// previous one. Each slow_down adds five seconds to the interval of this grant,
// permanently (section 3.5). Both times are arrival times. A compliant client
// waits for the interval after receiving a response, so its poll arrives later
// than that by the round-trip time, whatever the network does. No compliant
// client is penalized, and no tolerance is needed.
//
// Polling a redeemed grant also revokes its tokens, as RFC 6749 section 4.1.2
// recommends for authorization codes: two parties have the code, and the server
// cannot know which one stole it.
//
// A grant in a final state is kept for a while as a tombstone, so that the
// device learns why it failed. After that it is forgotten, and the code is
// unknown like any other: invalid_grant.
type grant struct {
	deviceCode string
	// userCode is in its normal form, without dashes.
	userCode string
	client   *Client
	// requested are the scopes that the end user is asked for.
	requested []string
	asked
	issued time.Time
	// forgotten is when the tombstone goes.
	forgotten time.Time
	// odd is what a fault changes for this grant.
	odd behaviour

	// ways are those of the server's personality.
	ways *personality

	mu       sync.Mutex
	state    state
	expires  time.Time
	interval time.Duration
	// lastPoll is the arrival of the latest poll; zero: the first is yet to
	// come and cannot be too fast.
	lastPoll time.Time
	// family is what the decision created: set from approved on.
	family *family
	// entered says that an end user submitted the user code, in personalities that
	// take it only once.
	entered bool
	polls   history
}

// asked is what extensions let the device ask for, beside scopes.
type asked struct {
	// challenge is the code_challenge of PKCE, "" without.
	challenge string
	// resource is the resource indicator, "" without.
	resource string
	// details are the authorization details, nil without.
	details json.RawMessage
}

// slowDownStep is what one slow_down adds to the interval (RFC 8628 section 3.5).
const slowDownStep = 5 * time.Second

type state uint8

const (
	statePending state = iota
	stateSlowed
	stateApproved
	stateDenied
	stateExpired
	stateRedeemed
)

func (s state) String() string {
	return [...]string{"pending", "slowed", "approved", "denied", "expired", "redeemed"}[s]
}

// undecided says whether the end user can still decide.
func (s state) undecided() bool { return s == statePending || s == stateSlowed }

// answer is what a poll hears.
type answer uint8

const (
	answerPending answer = iota
	answerSlowDown
	answerDenied
	answerExpired
	answerInvalid
	answerTokens
)

func (a answer) String() string {
	return [...]string{
		"authorization_pending", "slow_down", "access_denied", "expired_token", "invalid_grant", "200",
	}[a]
}

// The reasons for which a decision has no effect.
var (
	// ErrUnknownCode means that no grant has that code, or no longer.
	ErrUnknownCode = errors.New("fakeidp: unknown code")
	// ErrDecided means that the code was already approved or denied.
	ErrDecided = errors.New("fakeidp: the code was already used")
	// ErrExpired means that the lifetime of the code has ended.
	ErrExpired = errors.New("fakeidp: the code has expired")
)

// poll answers a device that presented the device code at the given arrival
// time. With answerTokens comes the family to issue tokens in, which happens
// once in the life of a grant.
func (g *grant) poll(arrival time.Time) (answer, *family) {
	if g.odd.poll != nil {
		return g.odd.poll(g, arrival)
	}
	return g.answer(arrival)
}

// answer is poll without any fault.
func (g *grant) answer(arrival time.Time) (answer, *family) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ways != nil && g.ways.poll != nil {
		a, f := g.ways.poll(g, arrival)
		g.polls.add(arrival.Sub(g.issued), a, a == answerSlowDown)
		return a, f
	}
	g.settle(arrival)
	early := !g.lastPoll.IsZero() && arrival.Sub(g.lastPoll) < g.interval
	// Two polls may take the lock in the other order than they arrived in.
	if arrival.After(g.lastPoll) {
		g.lastPoll = arrival
	}
	a, f := g.step(early)
	g.polls.add(arrival.Sub(g.issued), a, early)
	return a, f
}

// step is the left half of the state table.
func (g *grant) step(early bool) (answer, *family) {
	switch g.state {
	case statePending, stateSlowed:
		if early {
			g.state = stateSlowed
			g.interval += slowDownStep
			return answerSlowDown, nil
		}
		return answerPending, nil
	case stateApproved:
		g.state = stateRedeemed
		return answerTokens, g.family
	case stateDenied:
		return answerDenied, nil
	case stateExpired:
		return answerExpired, nil
	default:
		g.family.revoke()
		return answerInvalid, nil
	}
}

// settle is the last column of the table: it makes the grant notice that its
// lifetime has ended.
func (g *grant) settle(now time.Time) {
	if (g.state.undecided() || g.state == stateApproved) && !now.Before(g.expires) {
		g.state = stateExpired
	}
}

// enter takes the user code, once.
func (g *grant) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := !g.entered
	g.entered = true
	return first
}

// decidable returns nil while the end user can still decide.
func (g *grant) decidable(now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refusal(now)
}

// refusal says why a decision at now has no effect; nil: it has one.
func (g *grant) refusal(now time.Time) error {
	if g.odd.refusal != nil {
		return g.odd.refusal(g, now)
	}
	return g.undecidable(now)
}

// undecidable is refusal without any fault.
func (g *grant) undecidable(now time.Time) error {
	g.settle(now)
	switch {
	case g.state.undecided():
		return nil
	case g.state == stateExpired:
		return ErrExpired
	default:
		return ErrDecided
	}
}

// approve records that user grants scopes, which are among the requested ones.
func (g *grant) approve(now time.Time, user *User, scopes []string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.refusal(now); err != nil {
		return err
	}
	g.state = stateApproved
	g.family = &family{client: g.client, user: user, scopes: slices.Clone(scopes), authTime: now, asked: g.asked}
	return nil
}

// deny records that the end user refused.
func (g *grant) deny(now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.refusal(now); err != nil {
		return err
	}
	g.state = stateDenied
	return nil
}

// expire ends the lifetime now. A grant in a final state has none left.
func (g *grant) expire(now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settle(now)
	switch g.state {
	case statePending, stateSlowed, stateApproved:
		g.expires = now
		g.state = stateExpired
		return nil
	case stateExpired:
		return nil
	default:
		return ErrDecided
	}
}

// grantForgotten says whether the tombstone of a grant is gone.
func grantForgotten(g *grant, now time.Time) bool { return !now.Before(g.forgotten) }

// taken says that a fault lets another client redeem this grant.
func (g *grant) taken(presenter *Client) bool {
	return g.odd.foreign != nil && g.odd.foreign(g, presenter)
}
