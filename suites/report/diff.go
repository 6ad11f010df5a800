package report

import (
	"fmt"
	"slices"

	"github.com/devicegrant/devicegrant/suites/rules"
)

// Class says how a check changed from one run to another.
type Class string

// The classes, the ones that matter most first.
const (
	// New: it was in order, or not tried, and fails now or cannot be decided; or
	// it fails in a further way.
	New Class = "new"
	// Lost: it was judged, and was not tried now.
	Lost Class = "lost"
	// Changed: another verdict or other findings, neither better nor worse.
	Changed Class = "changed"
	// Mended: it failed, or could not be decided, and is in order now.
	Mended Class = "fixed"
	// Appeared: it was not tried, and is in order now.
	Appeared Class = "appeared"
)

// Classes returns all classes in display order.
func Classes() []Class { return []Class{New, Lost, Changed, Mended, Appeared} }

// Change is one check that changed.
type Change struct {
	Class Class  `json:"class"`
	ID    string `json:"id"`
	Title string `json:"title"`
	// Old and New are the checks; a missing one has no verdict.
	Old Check `json:"old"`
	New Check `json:"new"`
	// Codes are the new findings of the verdict's severity.
	Codes []string `json:"codes,omitempty"`
}

// Difference is what changed from one run to another.
type Difference struct {
	// Notes say what makes the two runs hard to compare: another server,
	// version, kind, profile, driver or devicegrant.
	Notes   []string `json:"notes,omitempty"`
	Changes []Change `json:"changes"`
}

// Count returns how many changes have a class.
func (d Difference) Count(class Class) (n int) {
	for _, c := range d.Changes {
		if c.Class == class {
			n++
		}
	}
	return n
}

// Diff compares two runs.
func Diff(was, is Result) Difference {
	d := Difference{Notes: differences(was, is), Changes: []Change{}}
	old := map[string]Check{}
	for _, c := range was.Checks {
		old[c.ID] = c
	}
	for _, c := range is.Checks {
		d.add(old[c.ID], c, is.Policy)
		delete(old, c.ID)
	}
	for _, c := range was.Checks {
		if _, gone := old[c.ID]; gone {
			d.add(c, Check{}, is.Policy)
		}
	}
	slices.SortStableFunc(d.Changes, func(a, b Change) int {
		return slices.Index(Classes(), a.Class) - slices.Index(Classes(), b.Class)
	})
	return d
}

func (d *Difference) add(was, is Check, p Policy) {
	change := Change{ID: is.ID, Title: is.Title, Old: was, New: is}
	if is.ID == "" {
		change.ID, change.Title = was.ID, was.Title
	}
	change.Codes = slices.DeleteFunc(codes(is), func(code string) bool { return slices.Contains(codes(was), code) })
	switch {
	case !tried(was) && !tried(is):
		return
	case !tried(is):
		change.Class = Lost
	case wrong(is, p) && (!tried(was) || !wrong(was, p) || is.Verdict != was.Verdict && is.Verdict == rules.Fail || len(change.Codes) > 0):
		change.Class = New
	case !tried(was):
		change.Class = Appeared
	case wrong(was, p) && !wrong(is, p):
		change.Class = Mended
	case was.Verdict != is.Verdict || !slices.Equal(codes(was), codes(is)):
		change.Class = Changed
	default:
		return
	}
	d.Changes = append(d.Changes, change)
}

// tried says that the check was not left out.
func tried(c Check) bool { return c.Verdict != "" && c.Verdict != rules.Skip }

// wrong says that a check alone would make a run end other than 0.
func wrong(c Check, p Policy) bool {
	switch c.Verdict {
	case rules.Fail, rules.Broken, Fixed:
		return true
	case rules.Inconclusive:
		return !p.AllowInconclusive
	case rules.Warn:
		return p.Strict && CountsStrictly(c)
	}
	return false
}

// codes are the findings behind a failure or a warning, once each, in order.
func codes(c Check) (list []string) {
	for _, f := range c.Findings {
		name := string(f.Severity) + " " + f.Code
		if (f.Severity == rules.Fail || f.Severity == rules.Warn) && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// differences are those of the runs themselves.
func differences(was, is Result) (notes []string) {
	for _, x := range []struct{ what, old, new string }{
		{"the server", was.Target.Name, is.Target.Name},
		{"the kind of server", was.Target.Kind, is.Target.Kind},
		{"the version", was.Target.Version, is.Target.Version},
		{"the fidelity", was.Target.Fidelity, is.Target.Fidelity},
		{"the profile", was.Target.Profile, is.Target.Profile},
		{"the driver", was.Target.Driver, is.Target.Driver},
		{"devicegrant", was.Tool.Version, is.Tool.Version},
	} {
		if x.old != x.new {
			notes = append(notes, fmt.Sprintf("%s: was %s, is %s", x.what, orNone(x.old), orNone(x.new)))
		}
	}
	for _, r := range []struct {
		name string
		Result
	}{{"old", was}, {"new", is}} {
		if r.Interrupted {
			notes = append(notes, "the "+r.name+" run was interrupted and is incomplete")
		}
		if r.Lost != "" {
			notes = append(notes, "the "+r.name+" run lost its target: "+r.Lost)
		}
	}
	return notes
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
