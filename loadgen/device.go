package loadgen

import "time"

// state is how far a device has come.
type state uint8

const (
	idle    state = iota // has not come, or has gone
	issuing              // has asked for codes
	waiting              // polls
)

// fate is what will be decided about a device.
type fate uint8

const (
	abandon fate = iota // it stops, and nobody decides
	expire              // it polls to the end, and nobody decides
	approve
	deny
)

// manner is how a device polls.
type manner uint8

const (
	obedient  manner = iota
	hurried          // ignores the interval
	forgetful        // hurries once, and then ignores what it was told
	greedy           // redeems its code several times
)

// device is one device between two requests. It has no pointers, so that the
// garbage collector never looks at a hundred thousand of them. Instants are
// nanoseconds of the run's clock; 0 means never.
type device struct {
	due      int64 // intended instant of the next request
	dequeued int64 // when the wheel handed it out
	issued   int64 // when the codes came
	expires  int64
	asked    int64 // when somebody began to decide
	decided  int64 // when the decision was acknowledged
	// firstAfter is the first poll that was intended after the decision.
	firstAfter int64
	sent       int64 // when the last poll left
	endedAt    int64 // when it was answered, or given up
	heardAt    int64 // when the last answer came
	stopAt     int64 // when it gives up
	token      uint64

	next   int32 // in the wheel, or in the queue
	serial uint32
	code   span
	user   span

	// interval is the one in force, owed the one that obedience would have by
	// now, advertised the server's; all in milliseconds.
	interval, owed, advertised int32
	sumLatency                 uint32 // of its polls, in tens of microseconds
	polls                      uint32
	pollsAfter                 uint16 // answered polls that were sent after the approval
	pendingAfter               uint16 // and what of them was pending
	slowedAfter                uint16 // and what was slow_down
	slowDowns                  uint16
	tokens                     uint8
	inFlight                   uint8
	copies                     uint8 // still to be sent of a greedy device's requests
	again                      uint8 // how often a greedy device still asks after its token
	tries                      uint8 // device authorization requests without codes
	uri                        uint8 // which verification URI
	state                      state
	fate                       fate
	manner                     manner
	last                       bool // the next poll is the one after the end of the codes
	lost                       bool // an answer was lost after somebody began to decide
	failed                     bool // the decision could not be made
	wanted                     bool // a greedy device's decision goes with its next poll
}

// slowDownStep is what each slow_down adds to the interval, for good (section 3.5).
const slowDownStep = int32(5000)

// longestInterval is the longest that a device can keep: a week. mostBackoff is
// where doubling after timeouts ends, and the longest pause that a refusal is given.
const (
	longestInterval = int32(7 * 24 * 60 * 60 * 1000)
	mostBackoff     = int32(5 * 60 * 1000)
)

// clockGuard is what an obedient device waits beyond its interval, as timers do.
// A server may read a clock that moves in steps of up to ten milliseconds (the
// kernel's coarse one), and finds 4 s where 5.000 s have passed.
const clockGuard = 20 * time.Millisecond

// guard is that, in nanoseconds, for a device that keeps an interval.
func (d *device) guard() int64 {
	if d.manner != obedient || d.interval == 0 {
		return 0
	}
	return int64(clockGuard)
}

// polled notes what the last poll was, and what it says of the decision.
func (d *device) polled(o outcome, intended, written, done int64, resent bool) {
	d.polls++
	d.sumLatency += uint32(min((done-intended)/10_000, 1<<24))
	d.sent, d.endedAt = written, done
	if o.answered() {
		d.heardAt = done
		if d.decided != 0 && written > d.decided {
			d.pollsAfter++
			switch o {
			case outcomePending:
				d.pendingAfter++
			case outcomeSlowDown:
				d.slowedAfter++
			}
		}
	}
	if (!o.answered() || resent) && d.asked != 0 {
		d.lost = true
	}
}

// step is what a device does after an answer.
type step uint8

const (
	pollAgain step = iota
	stop
)

// hear changes the device as section 3.5 has it, and says whether it goes on.
// waitAtLeast is a Retry-After.
func (d *device) hear(o outcome, retryAfter time.Duration) (then step, wait int64) {
	wait = int64(d.interval) * 1e6
	switch o {
	case outcomePending:
	case outcomeSlowDown:
		d.slowDowns++
		d.owed = min(d.owed+slowDownStep, longestInterval)
		switch d.manner {
		case obedient, greedy:
			d.interval = min(d.interval+slowDownStep, longestInterval)
		case forgetful:
			d.interval = d.advertised
		}
		wait = int64(d.interval) * 1e6
	case outcomeTimedOut:
		if d.manner != hurried {
			d.interval = max(d.interval, min(2*d.interval, mostBackoff))
		}
		wait = int64(d.interval) * 1e6
	case outcomeTooMany, outcomeUnavailable, outcomeServerError:
		wait = max(wait, min(int64(retryAfter), int64(mostBackoff)*1e6))
		if d.interval == 0 {
			wait = max(wait, int64(time.Second)) // refusals do not pace a closed model
		}
	case outcomeLost:
		if d.interval == 0 {
			wait = int64(100 * time.Millisecond)
		}
	default:
		return stop, 0
	}
	if d.last {
		return stop, 0
	}
	return pollAgain, wait
}

// forgotten says that the target ended the codes before their lifetime (section
// 3.2), though nobody had begun to decide: a store that is full, say.
func (d *device) forgotten(o outcome, now int64) bool {
	early := d.expires == 0 && o == outcomeInvalidGrant || now < d.expires-int64(time.Second)
	return (o == outcomeInvalidGrant || o == outcomeExpired) && early && d.asked == 0
}

// pace says how a poll kept the interval, as the server sees it: by the time
// between the arrivals of two polls. We know only when each left and was
// answered, so some are unsure, and nobody is judged by those.
type pace uint8

const (
	inTime     pace = iota // after the interval that obedience has
	tooEarly               // before the advertised interval
	unimproved             // after the advertised one, before the longer one that was asked for
	unsure
)

// paceOf is about a poll that was written and answered at two instants.
func (d *device) paceOf(written, answered int64) pace {
	sent, ended := d.sent, d.endedAt
	if sent == 0 {
		sent, ended = d.issued, d.issued
	}
	least, most := written-ended, answered-sent
	owed, advertised := int64(d.owed)*1e6, int64(d.advertised)*1e6
	switch {
	case least >= owed:
		return inTime
	case most < advertised:
		return tooEarly
	case least >= advertised && most < owed:
		return unimproved
	}
	return unsure
}
