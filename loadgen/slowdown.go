package loadgen

import "math"

// slowDown compares how devices are slowed down under load with how one alone
// was, and says it in words.
func (r *run) slowDown(result *Result, t *tally) {
	s := &result.SlowDown
	rest := s.AtRest
	*s = t.SlowDown
	s.AtRest = rest
	for _, share := range []*PollShare{&s.Obedient, &s.Hurried, &s.Forgetful, &s.AfterGrowth} {
		if share.Polls > 0 {
			share.Share = math.Round(float64(share.SlowDowns)/float64(share.Polls)*1e5) / 1e5
		}
	}
	s.Class = s.class()
	s.Reading = s.reading()
}

// few is a share that may be chance: a poll that met a second's boundary.
const few = 0.01

// The classes of a target under load. They say whom slow_down hits; how long
// the interval grows is for the conformance run to measure (POLL-03).
const (
	classUnasked   = "not measured"     // no poll came too early
	classNone      = "none"             // nobody is slowed down
	classExact     = "only the hurried" // those who hurry, and those who did not slow down when told
	classForgiving = "forgiving"        // those who hurry, but the interval does not grow
	classPunishing = "punishing"        // obedient devices, too
)

func (s *SlowDown) class() string {
	switch {
	case s.Obedient.Share > few && s.Obedient.SlowDowns > 1:
		return classPunishing
	case s.Hurried.Polls == 0:
		return classUnasked
	case s.Hurried.Share <= few:
		return classNone
	case s.Forgetful.Polls > 0 && s.Forgetful.Share <= 0.5:
		return classForgiving
	}
	return classExact
}

// reading is what the class means, beside what one device alone was answered.
func (s *SlowDown) reading() string {
	rest := ""
	if s.AtRest != nil {
		rest = s.AtRest.Class
	}
	switch s.Class {
	case classPunishing:
		switch {
		case rest == classPunishing:
			return "devices that wait for the advertised interval get slow_down, alone and under load: the server enforces a longer interval than it advertises"
		case rest != "":
			return "devices that wait for their interval get slow_down under load but not alone: the server counts per client, address or cluster instead of per device, or blames devices for its load"
		}
		return "devices that wait for their interval get slow_down; run with at_rest to see whether load is the reason"
	case classNone:
		return "no device gets slow_down, however fast it polls: the server carries the load of impatient devices"
	case classForgiving:
		return "only devices that poll too fast get slow_down; if they then return to the advertised interval, they do not: the interval does not grow by five seconds on the server"
	case classExact:
		if s.Obedient.SlowDowns > 0 {
			return "devices that poll too fast or do not slow down get slow_down; hardly any compliant device does"
		}
		return "only devices that poll too fast or do not slow down get slow_down"
	}
	return "no device polled too early; use the workload impatient to see which devices get slow_down"
}
