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
			return "devices that wait the advertised interval are told slow_down, alone and under load: the interval that is enforced is longer than the one that is advertised"
		case rest != "":
			return "devices that wait their interval are told slow_down under load and not alone: what is counted is shared by devices (a client, an address, a cluster), or the server calls load their fault"
		}
		return "devices that wait their interval are told slow_down; run with at_rest to see whether it is the load"
	case classNone:
		return "nobody is told slow_down, however fast they poll: the server bears the load of impatient devices"
	case classForgiving:
		return "devices that hurry are told slow_down, and no others; those who then go back to the advertised interval are not: the interval does not grow by five seconds at the server"
	case classExact:
		if s.Obedient.SlowDowns > 0 {
			return "devices that hurry, or do not slow down when told, are told slow_down; of those that obey hardly any"
		}
		return "devices that hurry, or do not slow down when told, are told slow_down, and no others"
	}
	return "no device came too early: the workload impatient measures whom slow_down hits"
}
