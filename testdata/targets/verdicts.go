package targets

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// Verdicts is a target's verdicts.yaml: what its runs come to, argued by people
// who read the RFC beside the server's answers.
type Verdicts struct {
	// Argued has an entry for each verdict that is not pass, info or na.
	Argued []Argued `yaml:"argued"`
	// Evidence has a line for each security check that passes: what was seen that
	// shows the defence, and not only that nothing went wrong.
	Evidence map[string]string `yaml:"evidence"`
}

// Argued is one verdict.
type Argued struct {
	Check   string        `yaml:"check"`
	Verdict rules.Verdict `yaml:"verdict"`
	// Codes are those of its findings that count, in any order.
	Codes []string `yaml:"codes"`
	// May lists what some runs show in addition or instead, where chance decides:
	// codes and verdicts.
	May []string `yaml:"may"`
	// Saw is what the server did, Because why the verdict is right, and Section
	// where the text is.
	Saw     string `yaml:"saw"`
	Because string `yaml:"because"`
	Section string `yaml:"section"`
	// Wrong says why this verdict of ours is wrong; then Because may be missing.
	Wrong string `yaml:"wrong"`
	// Severe: the maintainers have to hear of it before the public.
	Severe bool `yaml:"severe"`
}

// ReadVerdicts reads the file of a target. Root is the folder of this package.
func ReadVerdicts(root, target string) (Verdicts, error) {
	var v Verdicts
	file := filepath.Join(root, target, "verdicts.yaml")
	if err := decode(file, &v); err != nil {
		return Verdicts{}, err
	}
	for i, a := range v.Argued {
		switch {
		case a.Saw == "" || a.Section == "" || a.Because == "" && a.Wrong == "":
			return Verdicts{}, fmt.Errorf("%s: %s: saw, section, and because or wrong are needed", file, a.Check)
		case slices.ContainsFunc(v.Argued[:i], func(b Argued) bool { return a.Check == b.Check }):
			return Verdicts{}, fmt.Errorf("%s: %s is there twice", file, a.Check)
		}
	}
	return v, nil
}

// Of is the entry of a check.
func (v Verdicts) Of(check string) (Argued, bool) {
	i := slices.IndexFunc(v.Argued, func(a Argued) bool { return a.Check == check })
	if i < 0 {
		return Argued{}, false
	}
	return v.Argued[i], true
}

// Severe says whether one of the findings is.
func (v Verdicts) Severe() bool {
	return slices.ContainsFunc(v.Argued, func(a Argued) bool { return a.Severe })
}

// Compare says what of a run's checks is not argued, and which entries no longer
// hold.
func (v Verdicts) Compare(checks []report.Check) (faults []string) {
	complain := func(id, format string, args ...any) {
		faults = append(faults, id+": "+fmt.Sprintf(format, args...))
	}
	for _, c := range checks {
		a, listed := v.Of(c.ID)
		_, shown := v.Evidence[c.ID]
		needsNone := slices.Contains([]rules.Verdict{rules.Pass, rules.Info, rules.NA}, c.Verdict)
		switch {
		case !listed && !needsNone:
			complain(c.ID, "%s %v is not argued: %s", c.Verdict, codes(c), c.Reason)
		case listed && !a.covers(c):
			complain(c.ID, "%s %v, and the entry says %s %v: %s", c.Verdict, codes(c), a.Verdict, a.Codes, c.Reason)
		}
		if security := strings.HasPrefix(c.ID, "SEC-"); security && c.Verdict == rules.Pass && !shown && !listed {
			complain(c.ID, "pass without a line of evidence: %s", c.Reason)
		} else if shown && c.Verdict != rules.Pass && !listed {
			complain(c.ID, "evidence of a pass, and it is %s: %s", c.Verdict, c.Reason)
		}
	}
	for _, a := range v.Argued {
		if !slices.ContainsFunc(checks, func(c report.Check) bool { return c.ID == a.Check }) {
			complain(a.Check, "there is no such check")
		}
	}
	return faults
}

// covers says that the entry is about this verdict with these findings.
func (a Argued) covers(c report.Check) bool {
	other := slices.Contains(a.May, string(c.Verdict))
	if c.Verdict != a.Verdict && !other {
		return false
	}
	got := codes(c)
	for _, code := range got {
		if !slices.Contains(a.Codes, code) && !slices.Contains(a.May, code) {
			return false
		}
	}
	for _, code := range a.Codes {
		if !other && !slices.Contains(got, code) {
			return false
		}
	}
	return true
}

// codes are those of the findings that count.
func codes(c report.Check) (list []string) {
	for _, f := range c.Findings {
		if f.Severity != rules.Info && !slices.Contains(list, f.Code) {
			list = append(list, f.Code)
		}
	}
	return list
}
