package loadgen

import (
	"fmt"
	"sync"
)

// ledger is LOAD-01: each approved device gets one token, no other device any,
// and no code or token is given to two devices. Shards write to it together:
// tokens are rare beside polls.
type ledger struct {
	mu         sync.Mutex
	approved   int
	tokens     int
	greedy     int
	ambiguous  int
	open       int
	starved    int // those that keep their pace
	hasty      int // and those that do not
	shared     int // tokens of two devices: one person approved both
	replayed   int // the same token again to the same device
	violations [violationKinds]violation
	codes      set
	given      set
	spool      *spool
}

// violationKind is a way to break the ledger.
type violationKind uint8

const (
	twoTokens violationKind = iota
	tokenUndecided
	tokenDenied
	approvedNoToken
	approvedPending
	sharedCode
	violationKinds
)

var violationTexts = [violationKinds]struct{ code, title string }{
	{"two-tokens", "a device got two different tokens for one code"},
	{"token-without-approval", "a device got a token without approval"},
	{"token-for-denied", "a device got a token after it had been denied"},
	{"approved-without-token", "an approved device was refused"},
	{"approved-still-pending", "an approved device kept receiving authorization_pending"},
	{"shared-device-code", "two devices received the same device code"},
}

// violation counts one kind and keeps the first few devices.
type violation struct {
	count    int
	examples []Example
}

// maxExamples is how many devices of each kind are shown.
const maxExamples = 3

func newLedger() *ledger { return &ledger{spool: newSpool()} }

// expect makes room for the codes of so many devices.
func (l *ledger) expect(devices int) {
	for len(l.codes.keys) < 2*devices {
		l.codes.grow()
	}
}

// broken notes a counter-example. The caller holds the lock.
func (l *ledger) broken(k violationKind, d *device, what string) {
	v := &l.violations[k]
	v.count++
	if len(v.examples) < maxExamples {
		v.examples = append(v.examples, Example{Device: d.serial, What: what})
	}
}

// issued looks whether somebody else has the code.
func (l *ledger) issued(d *device, code []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other, ok := l.codes.claim(fingerprint(code), d.serial); !ok {
		l.broken(sharedCode, d, fmt.Sprintf("device %d has it as well", other))
	}
}

// token enters an answer with a token, and is false when it is one that the
// device has already.
func (l *ledger) token(d *device, token []byte, raw func() []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens++
	l.spool.keep(d.serial, raw())
	mark := fingerprint(token)
	switch {
	case d.tokens > 0 && d.token == mark:
		l.replayed++
		return
	case d.tokens == 1:
		l.broken(twoTokens, d, "the second token differs")
	case d.tokens > 1:
	case d.asked == 0:
		l.broken(tokenUndecided, d, "no decision was made")
	case d.fate == deny:
		l.broken(tokenDenied, d, "it was denied")
	}
	if d.tokens == 0 {
		d.token = mark
	}
	d.tokens = min(d.tokens+1, 200)
	if _, ok := l.given.claim(mark, d.serial); !ok {
		l.shared++
	}
}

// pendingIsLost is after how many polls with authorization_pending an approval
// counts as lost: a cache may lag behind for one or two.
const pendingIsLost = 3

// starvedAfter is after how many polls with nothing but slow_down a device counts
// as one that gets no token at its pace.
const starvedAfter = 3

// ended closes the account of a device: after its last answer, or at the end of
// the run (waiting).
func (l *ledger) ended(d *device, last outcome, waiting bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d.manner == greedy && d.tokens > 0 {
		l.greedy++
	}
	if d.fate != approve || d.asked == 0 || d.tokens == 0 && (d.failed || d.decided == 0) {
		return
	}
	l.approved++
	switch {
	case d.tokens > 0:
	case d.lost:
		l.ambiguous++
	case d.slowedAfter >= starvedAfter && d.pendingAfter == 0 && (waiting || last == outcomeExpired):
		if d.manner == hurried || d.manner == forgetful {
			l.hasty++
		} else {
			l.starved++
		}
	case last == outcomeExpired && d.pendingAfter == 0:
		l.open++ // it came too late to ask
	case !waiting && d.pollsAfter > 0 && (last == outcomeInvalidGrant || last == outcomeOtherError || last == outcomeDenied || last == outcomeExpired):
		l.broken(approvedNoToken, d, "it received "+last.String())
	case d.pendingAfter >= pendingIsLost:
		l.broken(approvedPending, d, fmt.Sprintf("%d polls after approval were pending", d.pendingAfter))
	default:
		l.open++
	}
}

// result is the ledger as it is reported. The histories of the counter-examples
// come from the file of records, their exchanges from the spool.
func (l *ledger) result(records string, site *Site) Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Ledger{Clean: true, Approved: l.approved, Tokens: l.tokens, Greedy: l.greedy, Ambiguous: l.ambiguous, Open: l.open, Replayed: l.replayed, Starved: l.starved, StarvedHasty: l.hasty}
	wanted := map[uint32]bool{}
	for k, v := range l.violations {
		if v.count == 0 {
			continue
		}
		r.Clean = false
		r.Violations = append(r.Violations, Violation{Code: violationTexts[k].code, Title: violationTexts[k].title, Count: v.count, Examples: v.examples})
		for _, e := range v.examples {
			wanted[e.Device] = true
		}
	}
	if r.Clean {
		return r
	}
	histories := historiesOf(records, wanted)
	exchanges := l.spool.of(wanted)
	for i := range r.Violations {
		for j := range r.Violations[i].Examples {
			e := &r.Violations[i].Examples[j]
			e.History = histories[e.Device]
			for _, raw := range exchanges[e.Device] {
				request, response := site.redact(splitRaw(raw))
				e.Exchanges = append(e.Exchanges, Sample{Device: e.Device, Kind: kindPoll.String(), Answer: outcomeToken.String(), Status: 200, Request: request, Response: response})
			}
		}
	}
	return r
}

func (l *ledger) close() { l.spool.close() }

// set is an open-addressing table from fingerprints to devices, without
// pointers.
type set struct {
	keys   []uint64
	owners []uint32
	used   int
}

// claim enters a fingerprint; false, and whose it is, when another device has it.
func (s *set) claim(key uint64, owner uint32) (uint32, bool) {
	if 2*s.used >= len(s.keys) {
		s.grow()
	}
	i := s.find(key)
	if s.keys[i] == key {
		return s.owners[i], s.owners[i] == owner
	}
	s.keys[i], s.owners[i] = key, owner
	s.used++
	return owner, true
}

func (s *set) find(key uint64) int {
	mask := uint64(len(s.keys) - 1)
	i := key & mask
	for s.keys[i] != 0 && s.keys[i] != key {
		i = (i + 1) & mask
	}
	return int(i)
}

func (s *set) grow() {
	old := *s
	n := max(1024, 2*len(old.keys))
	s.keys, s.owners = make([]uint64, n), make([]uint32, n)
	for i, key := range old.keys {
		if key != 0 {
			j := s.find(key)
			s.keys[j], s.owners[j] = key, old.owners[i]
		}
	}
}
