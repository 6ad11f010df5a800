package suites

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/lateness"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// whatHelps is what to do about a machine that is too slow for a run.
const whatHelps = "try --parallel 1, fewer other programs, a longer code lifetime, or the forms driver (verification.drivers)"

// byOurFault takes back what a rule made of evidence that came too late by this
// machine's own fault, or that a lost answer, a lost code or a limit spoiled,
// also when its scenario was told again, alone. Missing evidence gets its true
// reason. What was judged is withheld where the lateness
// can have made it: accusations about a code that had expired, or about the pace
// where a poll missed its moment, and a pass for polls that came later than they
// might have.
func byOurFault(r rules.Requirement, rule rules.Rule, evidence rules.Evidence, j rules.Judgement) rules.Judgement {
	for _, name := range rule.Scenarios {
		for _, late := range evidence.Transcripts[name].Late {
			if !spoils(late.Kind, j.Verdict, r) || !late.Kind.OfMachine() && restsOnAnswer(late.Kind, j, evidence) {
				continue
			}
			seen := j.Reason
			j.Verdict = rules.Inconclusive
			j.Reason = fmt.Sprintf("this machine was too slow: %s; %s. Observed: %s", describeLate(late), whatHelps, seen)
			switch late.Kind {
			case transcript.LateStray:
				j.Reason = fmt.Sprintf("an answer was lost, also when this scenario ran alone or could not be repeated: %s. Observed: %s", late.What, seen)
			case transcript.LateForgotten:
				j.Reason = fmt.Sprintf("%s, also when this scenario ran alone or could not be repeated. Observed: %s", late.What, seen)
			case transcript.LateLimited:
				j.Reason = fmt.Sprintf("the server limits how many user codes are typed a minute: %s. Observed: %s", late.What, seen)
			}
			if late.Paused {
				j.Reason = fmt.Sprintf("the server did not answer, and the run waited for it: %s. Observed: %s", describeLate(late), seen)
			}
			j.Findings = slices.Clone(j.Findings)
			for i := range j.Findings {
				j.Findings[i].Severity, j.Findings[i].Strict = rules.Info, false
			}
			return j
		}
	}
	return j
}

// restsOnAnswer says that an accusation rests on what came all the same: on a token,
// of which no limit and no lost answer is the cause, and of which nothing but the end
// of its answer may be missing; or, where an answer was lost, on
// a 429 or 503, which is none.
func restsOnAnswer(kind transcript.LateKind, j rules.Judgement, evidence rules.Evidence) bool {
	return slices.ContainsFunc(j.Findings, func(f rules.Finding) bool {
		return f.Severity == j.Verdict && slices.ContainsFunc(f.Exchanges, func(ref rules.Ref) bool {
			return slices.ContainsFunc(evidence.Transcripts[ref.Scenario].Exchanges, func(x wire.Exchange) bool {
				o, err := x.Object()
				whole, overdue := x.Overdue()
				return x.N == ref.N && (kind == transcript.LateStray && x.Overloaded() || err == nil && o.Has("access_token") || overdue && whole.Has("access_token"))
			})
		})
	})
}

// spoils says that a verdict may be the work of such lateness.
func spoils(kind transcript.LateKind, verdict rules.Verdict, r rules.Requirement) bool {
	switch verdict {
	case rules.Inconclusive:
		return kind != transcript.LateStray // the rule says which answer it lacks
	case rules.Fail, rules.Warn:
		return kind == transcript.LateCode || !kind.OfMachine() || kind == transcript.LateMoment && r.Wants("interval")
	case rules.Pass:
		return kind == transcript.LatePace && r.Wants("interval")
	}
	return false
}

// describeLate says what came too late, and how this machine did meanwhile.
func describeLate(l transcript.Late) string {
	parts := []string{l.What}
	if l.ByMS > 0 {
		parts = append(parts, fmt.Sprintf("%s too late", (time.Duration(l.ByMS)*time.Millisecond).Round(10*time.Millisecond)))
	}
	if l.Machine != "" {
		parts = append(parts, l.Machine)
	}
	return strings.Join(parts, "; ")
}

// forgotten says in a line that the server lost codes of the run to later ones; ""
// if it did not: only a scenario that kept its codes when it was repeated alone
// shows that.
func forgotten(scenarios []report.Scenario) string {
	first, again := "", 0
	for _, s := range scenarios {
		late := s.Transcript.Again
		i := slices.IndexFunc(late, func(l transcript.Late) bool { return l.Kind == transcript.LateForgotten })
		if i < 0 {
			continue
		}
		again++
		if first == "" {
			first = s.Transcript.Scenario + ", " + late[i].What
		}
	}
	if again == 0 {
		return ""
	}
	return fmt.Sprintf("the server keeps only so many pending codes and lost some of this run's to later ones (%s); scenarios that met this were repeated alone: %d", first, again)
}

// machine sums up how this machine kept up, and what it had to do again.
func machine(f lateness.Figures, scenarios []report.Scenario) *report.Machine {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	m := &report.Machine{
		Processors: runtime.NumCPU(), Strained: f.Strained(),
		Timers:  report.Quantiles{P50: ms(f.TimerP50), P99: ms(f.TimerP99), Max: ms(f.TimerMax)},
		Browser: report.Quantiles{P50: ms(f.BrowserP50), P99: ms(f.BrowserP99), Max: ms(f.BrowserMax)},
	}
	if f.Pressure >= 0 {
		m.Pressure = &f.Pressure
	}
	for _, s := range scenarios {
		t := s.Transcript
		again := len(t.Again) > 0
		late := t.Again
		if !again {
			late = t.Late
		}
		late = slices.DeleteFunc(slices.Clone(late), func(l transcript.Late) bool { return !l.Kind.OfMachine() })
		if len(late) > 0 && !late[0].Paused {
			m.Late = append(m.Late, report.LateScenario{Scenario: t.Scenario, Why: describeLate(late[0]), Again: again, Helped: again && len(t.Late) == 0})
		}
	}
	return m
}
