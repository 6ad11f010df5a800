package loadgen

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// settings are a plan with everything decided.
type settings struct {
	plan                            profiles.Plan
	devices                         int
	duration, warmUp, drain         int64
	timeout                         time.Duration
	seed                            uint64
	constantPacing, spread, replace bool
	issueOnly                       bool
	curve                           string
	over                            int64
	steps, width                    int
	approve, deny, expire           float64
	thinkMin, thinkMax              int64
	decideAt                        int64
	impatient, pace, forgets        float64
	greedy                          float64
	greedyWidth                     uint8
	connections                     int
	sources                         []net.IP
	thresholds                      []threshold
}

// Defaults of what no workload says.
const (
	defaultTimeout     = 10 * time.Second
	defaultConnections = 512
	defaultDrain       = 12 * time.Second
)

// settle decides everything that a plan leaves open, and refuses what cannot be.
func settle(p profiles.Plan) (profiles.Plan, settings, error) {
	if p.Duration <= 0 {
		p.Duration = time.Minute
	}
	p.WarmUp = orDuration(p.WarmUp, min(10*time.Second, p.Duration/6))
	p.Drain = orDuration(p.Drain, defaultDrain)
	p.Timeout = cmp.Or(p.Timeout, defaultTimeout)
	p.Seed = cmp.Or(p.Seed, 1)
	p.ClientModel = cmp.Or(p.ClientModel, "rfc")
	p.Phases = cmp.Or(p.Phases, "spread")
	p.Transport = cmp.Or(p.Transport, "lean")
	p.Replace = orValue(p.Replace, true)
	p.IssueOnly = orValue(p.IssueOnly, false)
	p.Canary = orValue(p.Canary, false)
	p.AtRest = orValue(p.AtRest, false)
	p.Arrival.Curve = cmp.Or(p.Arrival.Curve, "constant")
	p.Arrival.Over = cmp.Or(p.Arrival.Over, 5*time.Second)
	p.Arrival.Steps = cmp.Or(p.Arrival.Steps, 5)
	p.Arrival.Width = cmp.Or(p.Arrival.Width, 16)
	p.Mix.Approve = orValue(p.Mix.Approve, 1)
	p.Mix.Deny = orValue(p.Mix.Deny, 0)
	p.Mix.Expire = orValue(p.Mix.Expire, 0)
	p.Approval.ThinkMin = orDuration(p.Approval.ThinkMin, 5*time.Second)
	p.Approval.ThinkMax = orDuration(p.Approval.ThinkMax, max(*p.Approval.ThinkMin, 25*time.Second))
	p.Approval.Workers = cmp.Or(p.Approval.Workers, 16)
	p.Impatient.Share = orValue(p.Impatient.Share, 0)
	p.Impatient.Pace = orValue(p.Impatient.Pace, 0.4)
	p.Impatient.Forgetful = orValue(p.Impatient.Forgetful, 0.5)
	p.Greedy.Share = orValue(p.Greedy.Share, 0)
	p.Greedy.Width = cmp.Or(p.Greedy.Width, 3)
	p.Connections.Policy = cmp.Or(p.Connections.Policy, "reuse")
	if p.Connections.Max == 0 {
		p.Connections.Max = min(defaultConnections, p.Devices)
		if p.Connections.Policy == "per-device" {
			p.Connections.Max = p.Devices
		}
	}
	p.Connections.Resume = orValue(p.Connections.Resume, true)
	p.Connections.KeyExchange = cmp.Or(p.Connections.KeyExchange, "default")

	s := settings{
		plan: p, devices: p.Devices, duration: int64(p.Duration), warmUp: int64(*p.WarmUp), drain: int64(*p.Drain), timeout: p.Timeout,
		seed: uint64(p.Seed), constantPacing: p.ClientModel == "fixed", spread: p.Phases == "spread", replace: *p.Replace, issueOnly: *p.IssueOnly,
		curve: p.Arrival.Curve, over: int64(p.Arrival.Over), steps: p.Arrival.Steps, width: p.Arrival.Width,
		approve: *p.Mix.Approve, deny: *p.Mix.Deny, expire: *p.Mix.Expire,
		thinkMin: int64(*p.Approval.ThinkMin), thinkMax: int64(*p.Approval.ThinkMax), decideAt: int64(p.Approval.At),
		impatient: *p.Impatient.Share, pace: *p.Impatient.Pace, forgets: *p.Impatient.Forgetful,
		greedy: *p.Greedy.Share, greedyWidth: uint8(min(p.Greedy.Width, 64)), connections: p.Connections.Max,
	}
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if s.devices <= 0 {
		refuse("devices is %d: at least one is needed", s.devices)
	}
	if s.warmUp >= s.duration {
		refuse("warm_up (%s) leaves nothing of the duration (%s)", *p.WarmUp, p.Duration)
	}
	if sum := s.approve + s.deny + s.expire; sum > 1.000001 {
		refuse("the shares of mix add up to %g, more than 1", sum)
	}
	if s.impatient+s.greedy > 1.000001 {
		refuse("impatient.share and greedy.share add up to more than 1")
	}
	if s.thinkMax < s.thinkMin {
		refuse("approval.think_max is less than think_min")
	}
	for _, text := range p.Connections.Sources {
		ip := net.ParseIP(text)
		if ip == nil {
			refuse("connections.sources: %q is not an IP address", text)
		}
		s.sources = append(s.sources, ip)
	}
	for _, text := range p.Thresholds {
		t, err := parseThreshold(text)
		if err != nil {
			wrong = append(wrong, err)
		}
		s.thresholds = append(s.thresholds, t)
	}
	if err := errors.Join(wrong...); err != nil {
		return p, s, &PlanError{err}
	}
	return p, s, nil
}

// PlanError says why a plan cannot be carried out.
type PlanError struct{ error }

func (e *PlanError) Unwrap() error { return e.error }

func orDuration(p *time.Duration, d time.Duration) *time.Duration { return orValue(p, d) }

func orValue[T any](p *T, value T) *T {
	if p == nil {
		return &value
	}
	return p
}

// arrival is when the device of a slot asks for its codes.
func (s *settings) arrival(slot int) int64 {
	at := float64(slot) / float64(s.devices)
	switch s.curve {
	case "ramp":
		// The arrival rate grows from nothing: half of the time brings a quarter.
		return int64(math.Sqrt(at) * float64(s.over))
	case "steps":
		return int64(float64(int(at*float64(s.steps))) / float64(s.steps) * float64(s.over))
	case "spike":
		return 0
	}
	return int64(at * float64(s.over))
}

// character draws what a device is, from its number alone: a run with the same
// seed has the same devices, however its requests interleave.
func (s *settings) character(serial uint32) (fate, manner, dice) {
	d := dice{s.seed<<32 ^ uint64(serial)}
	f := abandon
	switch x := d.float(); {
	case x < s.approve:
		f = approve
	case x < s.approve+s.deny:
		f = deny
	case x < s.approve+s.deny+s.expire:
		f = expire
	}
	m := obedient
	switch x := d.float(); {
	case x < s.impatient*s.forgets:
		m = forgetful
	case x < s.impatient:
		m = hurried
	case x < s.impatient+s.greedy:
		m, f = greedy, approve
	}
	return f, m, d
}

// dice is SplitMix64: eight bytes of state, so that every device may have some.
type dice struct{ state uint64 }

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float is in [0, 1).
func (d *dice) float() float64 { return float64(d.next()>>11) / (1 << 53) }

// between is in [a, b).
func (d *dice) between(a, b int64) int64 {
	if b <= a {
		return a
	}
	return a + int64(d.float()*float64(b-a))
}
