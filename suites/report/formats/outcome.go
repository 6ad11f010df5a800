package formats

import (
	"fmt"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// outcome is what a check is to a machine that only knows red and green.
type outcome int

const (
	passed  outcome = iota
	noted           // green, with something to tell: warnings, known deviations, measurements
	skipped         // not tried, or not applicable
	failed          // the server's fault, or a stale baseline
	errored         // nobody can say
)

// outcomeOf follows the policy that the run was under.
func outcomeOf(c report.Check, p report.Policy) outcome {
	switch c.Verdict {
	case rules.Pass:
		return passed
	case rules.Fail, report.Fixed:
		return failed
	case rules.Warn:
		if p.Strict && report.CountsStrictly(c) {
			return failed
		}
		return noted
	case rules.Info, report.Known:
		return noted
	case rules.Inconclusive:
		if p.AllowInconclusive {
			return noted
		}
		return errored
	case rules.Skip, rules.NA:
		return skipped
	}
	return errored
}

// verdictWord is the verdict as reports say it.
func verdictWord(v rules.Verdict) string {
	if v == rules.NA {
		return "n/a"
	}
	return line(string(v))
}

// grave are the findings that made the verdict: all of them where none is worse
// than a note.
func grave(c report.Check) []rules.Finding {
	for _, severity := range []rules.Verdict{rules.Fail, rules.Warn} {
		var list []rules.Finding
		for _, f := range c.Findings {
			if f.Severity == severity {
				list = append(list, f)
			}
		}
		if len(list) > 0 {
			return list
		}
	}
	return c.Findings
}

const maxFindings = 10

// details tells a check's evidence over several lines: what was expected, what
// was observed, and how to ask again.
func details(c report.Check, r report.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s (%s)\n", text(c.Reason), line(c.Source), line(string(c.Level)))
	for i, f := range c.Findings {
		if i == maxFindings {
			fmt.Fprintf(&b, "\n%d more findings in result.json\n", len(c.Findings)-i)
			break
		}
		fmt.Fprintf(&b, "\n%s %s\n", line(string(f.Severity)), line(f.Code))
		if f.Expected != "" {
			fmt.Fprintf(&b, "expected  %s\n", text(f.Expected))
		}
		fmt.Fprintf(&b, "observed  %s\n", text(f.Observed))
		for k, ref := range f.Exchanges {
			x, ok := report.FindExchange(r, ref)
			if !ok {
				continue
			}
			fmt.Fprintf(&b, "exchange  %s #%d: %s %s -> %s\n", line(ref.Scenario), ref.N, line(x.Method), line(x.URL), line(report.Outcome(x)))
			if said := x.Says(); said != "" {
				fmt.Fprintf(&b, "server    %s\n", line(said))
			}
			if k == len(f.Exchanges)-1 || k == maxFindings {
				fmt.Fprintf(&b, "curl      %s\n", line(report.Curl(x)))
				break
			}
		}
	}
	fmt.Fprintf(&b, "\nmore: devicegrant explain %s\n", line(c.ID))
	return b.String()
}

// inShort is a check in one line: what was expected and observed first.
func inShort(c report.Check) string {
	list := grave(c)
	if len(list) == 0 || list[0].Expected == "" {
		return line(c.Reason)
	}
	more := ""
	if len(list) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(list)-1)
	}
	return line(fmt.Sprintf("expected %s; observed %s", list[0].Expected, list[0].Observed)) + more
}

// place is where a check's finding is shown in a repository: the line of its
// baseline entry, or the profile's first.
func place(c report.Check, r report.Result) (file string, at int) {
	file, at = r.Target.ProfileFile, 1
	if name, shipped := strings.CutPrefix(file, "builtin:"); shipped || file == "" {
		if file = r.Target.Profile + ".yaml"; shipped {
			file = name + ".yaml"
		}
	} else if c.Deviation != nil && c.Deviation.Line > 0 {
		at = c.Deviation.Line
	}
	// The entry may stand in a file of its own.
	if d := c.Deviation; d != nil && d.File != "" && !strings.HasPrefix(d.File, "builtin:") {
		file, at = d.File, max(1, d.Line)
	}
	return line(strings.ReplaceAll(file, `\`, "/")), at
}

// ordinals tell findings of one name apart, so that each keeps its fingerprint
// from run to run.
type ordinals map[string]int

func (o ordinals) next(name string) string {
	o[name]++
	if o[name] == 1 {
		return name
	}
	return fmt.Sprintf("%s/%d", name, o[name])
}

// titleOf says which server was judged, and that a simulation is none.
func titleOf(t report.Target) string {
	name := line(t.Name)
	if t.Version != "" {
		name += " " + line(t.Version)
	}
	if t.Kind == "simulated" {
		name += " (simulated"
		if t.Fidelity != "" {
			name += ": " + line(t.Fidelity)
		}
		name += ")"
	}
	return name
}

// summary counts the verdicts, the grave ones first.
func summary(c report.Counts) string {
	var parts []string
	for _, x := range []struct {
		n    int
		word string
	}{
		{c.Fail, "fail"}, {c.Error, "error"}, {c.Fixed, "fixed (stale baseline)"}, {c.Inconclusive, "inconclusive"}, {c.Warn, "warn"},
		{c.Known, "known"}, {c.Pass, "pass"}, {c.Info, "info"}, {c.NA, "n/a"}, {c.Skip, "skip"},
	} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.word))
		}
	}
	return strings.Join(parts, ", ")
}
