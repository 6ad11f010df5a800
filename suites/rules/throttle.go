package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// ThrottleClass is how a target slows down impatient devices. RFC 8628 section
// 3.5 leaves it open, because it binds only the client.
type ThrottleClass string

// The classes. Only a livelock is a fault: its client obeys in vain.
const (
	ThrottleNone       ThrottleClass = "none"                 // no slow_down, however fast the polls
	ThrottleFirst      ThrottleClass = "first poll"           // only the first poll can come too early
	ThrottleFixed      ThrottleClass = "fixed"                // the interval never grows; from which poll it counts is not known
	ThrottleAccepted   ThrottleClass = "fixed, from accepted" // it counts from the last poll that was not too early
	ThrottleAny        ThrottleClass = "fixed, from any"      // it counts from the last poll, too early or not
	ThrottleEscalating ThrottleClass = "escalating"           // each slow_down makes it longer, as the RFC has the client do
	ThrottleLivelock   ThrottleClass = "livelock"             // a client that obeys is told slow_down again and again
	ThrottleLimit      ThrottleClass = "hard limit"           // 429 or 503 instead of slow_down
	ThrottleUnclear    ThrottleClass = "unclear"
)

// Throttle is how a target slows devices down, measured from outside. All times
// are in milliseconds of the target's clock.
type Throttle struct {
	Class ThrottleClass `json:"class"`
	// IntervalMS is the advertised interval.
	IntervalMS float64 `json:"interval_ms"`
	// FirstPoll says that a first poll right after the codes is too early.
	FirstPoll bool `json:"first_poll_throttled"`
	// CountedFrom says where the interval starts: "any poll" or "accepted
	// poll"; "" if that is unknown.
	CountedFrom string `json:"counted_from,omitempty"`
	// Boundary is where a poll stops being too early, relative to the
	// advertised interval; negative is earlier.
	Boundary *ThrottleRange `json:"boundary,omitempty"`
	// AfterOne and AfterThree are what one and three slow_downs add to the
	// interval.
	AfterOne   *ThrottleRange `json:"after_one_slow_down,omitempty"`
	AfterThree *ThrottleRange `json:"after_three_slow_downs,omitempty"`

	Polls     int `json:"polls"`
	SlowDowns int `json:"slow_downs"`
	// Limited counts responses with status 429 or 503.
	Limited int `json:"limited,omitempty"`

	// Devices are the polls behind the figures, one row per device.
	Devices []ThrottleDevice `json:"devices"`
}

// ThrottleRange says that a boundary lies between two polls, one rejected and
// one accepted. If the boundary is not sharp, as with a server that counts
// whole seconds, Refused is the greater one.
type ThrottleRange struct {
	RefusedMS  *float64 `json:"refused_ms,omitempty"`
	AcceptedMS *float64 `json:"accepted_ms,omitempty"`
	// UncertaintyMS is the uncertainty of both: a run knows when a request left
	// and when its response came, but not when the request arrived.
	UncertaintyMS float64 `json:"uncertainty_ms"`
}

// ThrottleDevice is one device's polls. Times count from the first codes.
type ThrottleDevice struct {
	Name     string         `json:"name"`
	IssuedMS float64        `json:"issued_ms"`
	Polls    []ThrottlePoll `json:"polls"`
}

// ThrottlePoll is one poll and its answer: pending, slow_down, token, limited
// or other.
type ThrottlePoll struct {
	AtMS   float64 `json:"at_ms"`
	Answer string  `json:"answer"`
}

// Bounds of what is taken from a recording that somebody else may have made.
const (
	maxThrottleDevices = 64
	maxThrottlePolls   = 64
)

// MeasureThrottle computes the figures from the throttle scenario; false if it
// has no answered poll.
func MeasureThrottle(t transcript.Transcript) (Throttle, bool) {
	m := measurement{t: t}
	return m.measure()
}

// measurement is the work on one transcript.
type measurement struct {
	t        transcript.Transcript
	interval time.Duration
	polls    map[string][]wire.Exchange // of a device, by its name
}

// limitedAnswer says that the target has enough of us.
func limitedAnswer(x wire.Exchange) bool { return x.Status == 429 || x.Status == 503 }

func (m *measurement) measure() (Throttle, bool) {
	r := m.devices()
	if r.Polls == 0 {
		return r, false
	}
	r.IntervalMS = millis(m.interval)
	later, first := m.slowed()
	r.FirstPoll = first
	r.Boundary = m.boundary()
	r.AfterOne = m.added(labels.Grown, 1)
	r.AfterThree = m.added(labels.Summed, 3)
	if r.SlowDowns > 0 {
		r.CountedFrom = m.countedFrom(r)
	}
	switch {
	case r.SlowDowns == 0 && r.Limited > 0:
		r.Class = ThrottleLimit
	case r.SlowDowns == 0 && m.hurried():
		r.Class = ThrottleNone
	case r.SlowDowns == 0:
		r.Class = ThrottleUnclear
	case m.obeysInVain():
		r.Class = ThrottleLivelock
	case !later:
		r.Class = ThrottleFirst
	case m.grows(r):
		r.Class = ThrottleEscalating
	case r.CountedFrom == fromAccepted:
		r.Class = ThrottleAccepted
	case r.CountedFrom == fromAny:
		r.Class = ThrottleAny
	case r.Boundary != nil && r.Boundary.RefusedMS != nil:
		r.Class = ThrottleFixed
	default:
		r.Class = ThrottleUnclear
	}
	return r, true
}

const (
	fromAny      = "any poll"
	fromAccepted = "accepted poll"
)

// devices collects each device's polls. Its codes come with "NAME/device".
func (m *measurement) devices() Throttle {
	r := Throttle{}
	m.interval = 5 * time.Second
	m.polls = map[string][]wire.Exchange{}
	start := time.Duration(math.MaxInt64)
	var names []string
	for _, x := range m.t.Exchanges {
		if name, ok := strings.CutSuffix(x.Label, "/"+labels.Device); ok && hasCodes(x) && len(names) < maxThrottleDevices && m.polls[name] == nil {
			names = append(names, name)
			m.polls[name] = []wire.Exchange{x}
			start = min(start, x.Received)
			m.interval = intervalOf(x)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		issued := m.polls[name][0]
		device := ThrottleDevice{Name: clip(name), IssuedMS: millis(issued.Received - start)}
		for _, x := range m.t.Labelled(name) {
			if x.Label == name+"/device" || !x.Answered() || len(device.Polls) == maxThrottlePolls {
				continue
			}
			m.polls[name] = append(m.polls[name], x)
			device.Polls = append(device.Polls, ThrottlePoll{AtMS: millis((x.Sent+x.Received)/2 - start), Answer: answerWord(x)})
			r.Polls++
			if hasError(x, "slow_down") {
				r.SlowDowns++
			}
			if limitedAnswer(x) {
				r.Limited++
			}
		}
		r.Devices = append(r.Devices, device)
	}
	return r
}

func answerWord(x wire.Exchange) string {
	switch {
	case hasError(x, "authorization_pending"):
		return "pending"
	case hasError(x, "slow_down"):
		return "slow_down"
	case limitedAnswer(x):
		return "limited"
	case hasToken(x):
		return "token"
	}
	return "other"
}

// intervalOf is the interval that a device was told.
func intervalOf(x wire.Exchange) time.Duration {
	if o, err := x.Object(); err == nil {
		if n, ok := o.Number("interval"); ok && n > 0 && n < 3600 {
			return time.Duration(n * float64(time.Second))
		}
	}
	return 5 * time.Second
}

// gap is the time between the arrivals of two requests, and by how much that
// may be off.
type gap struct{ length, off time.Duration }

func between(before, x wire.Exchange) gap {
	return gap{(x.Sent+x.Received)/2 - (before.Sent+before.Received)/2, (x.Received - x.Sent + before.Received - before.Sent) / 2}
}

// surely says that the gap is longer than d, whatever the network did.
func (g gap) surelyLonger(d time.Duration) bool  { return g.length-g.off > d }
func (g gap) surelyShorter(d time.Duration) bool { return g.length+g.off < d }

// slowed says whether a poll other than the first was slowed down, and whether
// first polls right after the codes always were.
func (m *measurement) slowed() (later, first bool) {
	atOnce, atOnceSlowed := 0, 0
	for _, polls := range m.polls {
		for i, x := range polls[1:] {
			switch {
			case i > 0:
				later = later || hasError(x, "slow_down")
			case between(polls[0], x).surelyShorter(m.interval):
				atOnce++
				if hasError(x, "slow_down") {
					atOnceSlowed++
				}
			default:
				later = later || hasError(x, "slow_down")
			}
		}
	}
	return later, atOnce > 0 && atOnce == atOnceSlowed
}

// hurried says that some polls were surely faster than the interval, so that
// their silence about it means something.
func (m *measurement) hurried() bool {
	for _, polls := range m.polls {
		for i := 2; i < len(polls); i++ {
			if between(polls[i-1], polls[i]).surelyShorter(m.interval) {
				return true
			}
		}
	}
	return false
}

// one returns the poll of a device with that step's label.
func (m *measurement) one(device, step string) (wire.Exchange, bool) {
	for _, x := range m.polls[device] {
		if x.Label == device+"/"+step {
			return x, true
		}
	}
	return wire.Exchange{}, false
}

// obeysInVain: every poll of the devices that obeyed got slow_down.
func (m *measurement) obeysInVain() bool {
	slowed := 0
	for _, name := range []string{labels.Obedient, labels.Patient} {
		for _, x := range m.t.Labelled(name) {
			if _, step, _ := strings.Cut(x.Label, name+"/"); strings.HasPrefix(step, labels.Burst) || step == labels.Device || !x.Answered() || x.Overloaded() {
				continue
			}
			if !hasError(x, "slow_down") {
				return false
			}
			slowed++
		}
	}
	return slowed >= 3
}

// sides collects refused and accepted gaps on both sides of a boundary.
type sides struct {
	refused, accepted time.Duration
	off               time.Duration
	any, ok           bool // a refused one, an accepted one
}

func (s *sides) add(x wire.Exchange, g gap) {
	switch {
	case hasError(x, "slow_down"):
		if !s.any || g.length > s.refused {
			s.refused, s.any = g.length, true
		}
	case hasError(x, "authorization_pending"):
		if !s.ok || g.length < s.accepted {
			s.accepted, s.ok = g.length, true
		}
	default:
		return
	}
	s.off = max(s.off, g.off)
}

// from tells the boundary as a distance from a time.
func (s *sides) from(base time.Duration) *ThrottleRange {
	if !s.any && !s.ok {
		return nil
	}
	r := &ThrottleRange{UncertaintyMS: millis(s.off)}
	if s.any {
		r.RefusedMS = new(millis(s.refused - base))
	}
	if s.ok {
		r.AcceptedMS = new(millis(s.accepted - base))
	}
	return r
}

// boundary looks at second polls, of devices that were never slowed down.
func (m *measurement) boundary() *ThrottleRange {
	var s sides
	for name := range m.polls {
		base, ok := m.one(name, labels.Base)
		if !ok || !hasError(base, "authorization_pending") {
			continue
		}
		step := labels.Probe
		if !strings.HasPrefix(name, labels.Margin+"/") {
			step = labels.Early
		}
		if x, ok := m.one(name, step); ok {
			s.add(x, between(base, x))
		}
	}
	return s.from(m.interval)
}

// added looks at the first poll after a burst with so many slow_downs.
func (m *measurement) added(group string, slowDowns int) *ThrottleRange {
	var s sides
	for name, polls := range m.polls {
		step := labels.Probe
		switch {
		case strings.HasPrefix(name, group+"/"):
		case slowDowns == 1 && name == labels.Obedient, slowDowns == 3 && name == labels.Patient:
			step = "1"
		default:
			continue
		}
		x, ok := m.one(name, step)
		if !ok {
			continue
		}
		n, last := 0, wire.Exchange{}
		for _, burst := range polls {
			if strings.HasPrefix(burst.Label, labels.Join(name, labels.Burst)+"/") {
				last = burst
				if hasError(burst, "slow_down") {
					n++
				}
			}
		}
		if n == slowDowns {
			s.add(x, between(last, x))
		}
	}
	return s.from(m.interval)
}

// grows: after one slow_down a poll was refused that came clearly later than
// the interval, and later than polls that are accepted otherwise.
func (m *measurement) grows(r Throttle) bool {
	const clearly = 1000
	return r.AfterOne != nil && r.AfterOne.RefusedMS != nil && *r.AfterOne.RefusedMS > clearly &&
		r.Boundary != nil && r.Boundary.AcceptedMS != nil && *r.Boundary.AcceptedMS < *r.AfterOne.RefusedMS
}

// countedFrom looks at a poll that comes in time after an accepted poll, and
// too early after the one between them, which was refused.
func (m *measurement) countedFrom(r Throttle) string {
	window, device := sides{refused: m.interval, accepted: m.interval}, labels.Early
	if m.grows(r) {
		if r.AfterOne.AcceptedMS == nil {
			return ""
		}
		device = labels.Counted
		window.refused += duration(*r.AfterOne.RefusedMS)
		window.accepted += duration(*r.AfterOne.AcceptedMS)
	}
	base, _ := m.one(device, labels.Base)
	early, _ := m.one(device, labels.Early)
	probe, ok := m.one(device, labels.Probe)
	if !ok || !hasError(early, "slow_down") || !between(base, probe).surelyLonger(window.accepted) || !between(early, probe).surelyShorter(window.refused) {
		return ""
	}
	switch {
	case hasError(probe, "slow_down"):
		return fromAny
	case hasError(probe, "authorization_pending"):
		return fromAccepted
	}
	return ""
}

func millis(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

func duration(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// String describes the throttle in one sentence.
func (r Throttle) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch r.Class {
	case ThrottleNone:
		add("none: no slow_down in %d polls", r.Polls)
	case ThrottleFirst:
		add("first poll: only a poll right after the codes is too early")
	case ThrottleFixed, ThrottleAccepted, ThrottleAny:
		add("fixed: slow_down does not lengthen the interval")
	case ThrottleEscalating:
		add("escalating: one slow_down adds %s", r.AfterOne.seconds())
		if r.AfterThree != nil {
			add("three add %s", r.AfterThree.seconds())
		}
	case ThrottleLivelock:
		add("livelock: a compliant device gets slow_down repeatedly")
	case ThrottleLimit:
		add("hard limit: %d of %d polls got 429 or 503", r.Limited, r.Polls)
	default:
		add("unclear: %d slow_downs in %d polls", r.SlowDowns, r.Polls)
	}
	if r.CountedFrom != "" && r.Class != ThrottleLivelock {
		add("counted from %s", map[string]string{fromAny: "the last poll", fromAccepted: "the last accepted poll"}[r.CountedFrom])
	}
	if r.FirstPoll && r.Class != ThrottleFirst {
		add("first poll counted from the codes")
	}
	if r.SlowDowns > 0 && r.Boundary != nil {
		parts = append(parts, r.Boundary.tolerance()...)
	}
	return strings.Join(parts, "; ")
}

// seconds tells a range of added seconds. A result that somebody else wrote may
// lack it.
func (r *ThrottleRange) seconds() string {
	switch {
	case r == nil || r.RefusedMS == nil && r.AcceptedMS == nil:
		return "an unknown time"
	case r.RefusedMS != nil && r.AcceptedMS != nil:
		return fmt.Sprintf("%.1f to %.1f s", *r.RefusedMS/1000, *r.AcceptedMS/1000)
	case r.RefusedMS != nil:
		return fmt.Sprintf("more than %.1f s", *r.RefusedMS/1000)
	}
	return fmt.Sprintf("at most %.1f s", max(0, *r.AcceptedMS)/1000)
}

// tolerance tells how early a poll may be.
func (r *ThrottleRange) tolerance() (parts []string) {
	if r.RefusedMS != nil {
		parts = append(parts, "slow_down "+aroundInterval(*r.RefusedMS))
	}
	if r.AcceptedMS != nil {
		parts = append(parts, "accepted "+aroundInterval(*r.AcceptedMS))
	}
	if len(parts) > 0 {
		parts[len(parts)-1] += fmt.Sprintf(" (±%s ms)", roundMS(r.UncertaintyMS))
	}
	return parts
}

func aroundInterval(ms float64) string {
	if ms < 0 {
		return fmt.Sprintf("%s ms before the interval ends", roundMS(-ms))
	}
	return fmt.Sprintf("%s ms after it", roundMS(ms))
}

// roundMS spares the reader decimals that mean nothing.
func roundMS(ms float64) string {
	if ms < 10 {
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}
