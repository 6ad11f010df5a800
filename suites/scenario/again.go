package scenario

import (
	"context"
	"slices"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

const (
	// mostAgain bounds how many scenarios of a run are told again because of this
	// machine, and mostInVain how many in a row that were as late as before: a
	// machine that is too slow for one alone is too slow.
	mostAgain  = 12
	mostInVain = 3
)

// tellAgain repeats a scenario whose evidence does not count, with fresh codes, when
// nothing else runs beside it: this machine came too late, or, which does not count
// towards the bounds, an answer or a code was lost, or a limit let nobody type it.
// What it says replaces what was said. Again then names the reasons, but for a
// forgotten code where one was lost alone, too: the others were not the cause.
func (r *Runner) tellAgain(ctx context.Context, s Scenario, was transcript.Transcript) transcript.Transcript {
	r.say(Status{Scenario: s.Name, Waiting: "a retry alone: " + was.Late[0].What})
	for _, other := range r.besides(s) {
		select {
		case <-other:
		case <-ctx.Done():
			return was
		}
	}
	r.alone.Lock()
	defer r.alone.Unlock()
	slow := slices.ContainsFunc(was.Late, func(l transcript.Late) bool { return l.Kind.OfMachine() })
	if ctx.Err() != nil || slow && (r.again >= mostAgain || r.vain >= mostInVain) {
		return was
	}
	if slow {
		r.again++
	}
	lost := r.env.lost.Load()
	said := r.tell(ctx, s, func() {}, func([]string, stage) []<-chan struct{} { return nil })
	if ctx.Err() != nil {
		return was // half a telling is worth less than one that came late
	}
	said.Again = was.Late
	if r.env.lost.Load() > lost {
		r.env.forgetful.Store(false)
		said.Again = slices.DeleteFunc(slices.Clone(was.Late), func(l transcript.Late) bool { return l.Kind == transcript.LateForgotten })
	}
	switch {
	case len(said.Late) == 0:
		r.vain = 0
	case slow:
		r.vain++
	}
	return said
}

// besides lists the ends of all scenarios that do not wait for this one to be
// settled: those that come later do.
func (r *Runner) besides(self Scenario) (list []<-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, f := range r.futures {
		if other, _ := ByName(name); name != self.Name && other.Last <= self.Last {
			list = append(list, f.ended)
		}
	}
	return list
}

func (r *Runner) say(s Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status[s.Scenario] = s
}
