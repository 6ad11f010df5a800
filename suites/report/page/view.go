package page

import (
	"cmp"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// view is all that the page shows, in the order in which it does.
type view struct {
	Style  template.CSS
	Script template.JS

	Title     string
	Target    string
	Kind      string // real or simulated
	Ending    Sign
	Meaning   string
	Counts    []count
	Facts     []fact
	Notes     []string
	Matters   []check // what a reader looks at first
	Unchecked []unchecked
	Overview  []overview
	Verdicts  []string // for the filter
	Levels    []string
	Sections  []section
	Throttle  *timeline
	Talks     []talk
	Tool      string
}

type fact struct{ Name, Text string }

// unchecked is why some checks have no verdict.
type unchecked struct {
	Sign
	Reason string
	IDs    []string
}

// overview is a section's line in the table.
type overview struct {
	ID, Title               string
	Pass, Fail, Warn, Known int
	Open, Other, Checks     int
}

type section struct {
	ID, Title string
	Checks    []check
}

// check is one requirement's verdict with its evidence.
type check struct {
	Sign
	ID, Title, Level  string
	Source, SourceURL string
	Why               string
	Reason            string
	Open              bool // shown without being asked for
	Took              string
	Findings          []finding
	MoreFindings      int
	Deviation         *deviation
	Journeys          []journey
	Talk              string // the conversation's fragment, "" without one
	TalkName          string
	TalkCount         int
}

type finding struct {
	Sign
	Code, Expected, Observed string
	Strict                   bool
	Exchanges                []exchange
	More                     int
}

type deviation struct{ Expect, Code, Reason, Link string }

// talk is one conversation with the target.
type talk struct {
	ID, Name  string
	Took      string
	State     string // why it did not end, "" if it did
	Journeys  []string
	Exchanges []exchange
	More      int
}

// Policy is the page's own: html/template escapes it where it stands.
func (view) Policy() string { return policy }

// Bounds of a result that this program did not write.
const (
	maxChecks    = 400
	maxScenarios = 200
)

func newPage(r report.Result, evidence fs.FS, l limits) view {
	v := view{
		Style: template.CSS(style), Script: template.JS(script),
		Target: cmp.Or(clip(r.Target.Name, 200), "unnamed server"), Kind: cmp.Or(clip(r.Target.Kind, 40), "real"),
		Counts: counts(r.Counts), Facts: facts(r), Throttle: newTimeline(r.Throttle), Tool: clip(r.Tool.Version, 80),
	}
	r.Checks, r.Scenarios = r.Checks[:min(len(r.Checks), maxChecks)], r.Scenarios[:min(len(r.Scenarios), maxScenarios)]
	v.Ending, v.Meaning = ending(r)
	v.Title = v.Ending.Word + ": " + v.Target
	for _, n := range r.Notes[:min(len(r.Notes), 40)] {
		v.Notes = append(v.Notes, clip(n, 1000))
	}
	pictures := &album{evidence, l.pictures}
	v.Unchecked = uncheckedOf(r.Checks)
	for _, s := range append(rules.Sections(), rules.Section{Title: "Other"}) {
		s := newSection(s.Number, s.Title, r, pictures, l)
		if len(s.Checks) > 0 {
			v.Sections = append(v.Sections, s)
			v.Overview = append(v.Overview, overviewOf(s))
		}
	}
	for _, s := range v.Sections {
		for _, c := range s.Checks {
			if !slices.Contains(v.Verdicts, c.Word) {
				v.Verdicts = append(v.Verdicts, c.Word)
			}
			if !slices.Contains(v.Levels, c.Level) {
				v.Levels = append(v.Levels, c.Level)
			}
			if weight(c.Word) >= 0 {
				v.Matters = append(v.Matters, c)
			}
		}
	}
	slices.SortStableFunc(v.Matters, func(a, b check) int { return cmp.Compare(weight(a.Word), weight(b.Word)) })
	for _, s := range r.Scenarios {
		v.Talks = append(v.Talks, newTalk(s, l))
	}
	return cleaned(v, l.text)
}

// weight orders what a reader looks at first; -1 is nothing to look at.
func weight(word string) int {
	return slices.Index([]string{"fail", "error", "fixed", "inconclusive", "warn", "known"}, word)
}

func facts(r report.Result) []fact {
	t := r.Target
	kind := "a real server"
	if t.Kind == "simulated" {
		kind = "a simulation, not the real server"
		if t.Fidelity != "" {
			kind += ": " + t.Fidelity
		}
	} else if t.Fidelity != "" {
		kind += ": " + t.Fidelity
	}
	var list []fact
	add := func(name, text string) {
		if text != "" {
			list = append(list, fact{name, clip(text, 400)})
		}
	}
	add("Server", kind)
	add("Version", t.Version)
	add("Address", t.Issuer)
	profile := t.Profile
	if t.ProfileFile != "" && t.ProfileFile != profile && t.ProfileFile != "builtin:"+profile {
		profile += " (" + t.ProfileFile + ")"
	}
	add("Profile", profile)
	driver := t.Driver
	if driver == "" {
		driver = "none: no pages were opened"
	}
	add("End user driver", driver)
	if t.ClockRate > 1 {
		add("Clock", fmt.Sprintf("%g times real time", t.ClockRate))
	}
	if !r.Started.IsZero() {
		add("Started", r.Started.UTC().Format("2 January 2006, 15:04:05 MST"))
	}
	add("Took", (time.Duration(r.DurationMS) * time.Millisecond).Round(100*time.Millisecond).String())
	var how []string
	if r.Policy.Strict {
		how = append(how, "--strict")
	}
	if r.Policy.AllowInconclusive {
		how = append(how, "--allow-inconclusive")
	}
	end := fmt.Sprint(r.ExitCode)
	if len(how) > 0 {
		end += ", with " + strings.Join(how, " ")
	}
	add("Exit status", end)
	add("devicegrant", r.Tool.Version)
	return list
}

// uncheckedOf groups the checks without a verdict by their reasons.
func uncheckedOf(checks []report.Check) (list []unchecked) {
	const most = 60
	for _, c := range checks {
		switch c.Verdict {
		case rules.Skip, rules.NA, rules.Inconclusive, rules.Broken:
		default:
			continue
		}
		l, reason := signOf(c.Verdict), clip(c.Reason, 400)
		i := slices.IndexFunc(list, func(u unchecked) bool { return u.Word == l.Word && u.Reason == reason })
		if i < 0 {
			if len(list) == most {
				continue
			}
			list = append(list, unchecked{Sign: l, Reason: reason})
			i = len(list) - 1
		}
		list[i].IDs = append(list[i].IDs, clip(c.ID, 20))
	}
	order := []string{"error", "inconclusive", "n/a", "skip"}
	slices.SortStableFunc(list, func(a, b unchecked) int {
		return cmp.Compare(slices.Index(order, a.Word), slices.Index(order, b.Word))
	})
	return list
}

func overviewOf(s section) overview {
	o := overview{ID: s.ID, Title: s.Title, Checks: len(s.Checks)}
	for _, c := range s.Checks {
		switch c.Word {
		case "pass":
			o.Pass++
		case "fail", "fixed":
			o.Fail++
		case "warn":
			o.Warn++
		case "known":
			o.Known++
		case "inconclusive", "error":
			o.Open++
		default:
			o.Other++
		}
	}
	return o
}

func newSection(id, title string, r report.Result, pictures *album, l limits) section {
	s := section{ID: fragment("section-" + id), Title: strings.TrimSpace(id + " " + title)}
	known := func(number string) bool {
		return slices.ContainsFunc(rules.Sections(), func(x rules.Section) bool { return x.Number == number })
	}
	if id == "ext" || id == "load" {
		s.Title = title
	}
	for _, c := range r.Checks {
		if c.Section == id || id == "" && !known(c.Section) {
			s.Checks = append(s.Checks, newCheck(c, r, pictures, l))
		}
	}
	return s
}

func newCheck(c report.Check, r report.Result, pictures *album, l limits) check {
	out := check{
		Sign: signOf(c.Verdict), ID: clip(c.ID, 20), Title: clip(c.Title, 300), Level: clip(string(c.Level), 20),
		Source: clip(c.Source, 200), SourceURL: report.SourceURL(c.Source), Reason: clip(c.Reason, 2000),
	}
	if requirement, ok := rules.Find(c.ID); ok {
		out.Why = requirement.Why
	}
	switch c.Verdict {
	case rules.Fail, rules.Broken, report.Fixed, rules.Inconclusive:
		out.Open = true
	}
	if c.DurationMS > 0 {
		out.Took = milliseconds(float64(c.DurationMS))
	}
	for _, f := range c.Findings[:min(len(c.Findings), l.findings)] {
		out.Findings = append(out.Findings, newFinding(f, r, l))
	}
	out.MoreFindings = max(0, len(c.Findings)-l.findings)
	if d := c.Deviation; d != nil {
		out.Deviation = &deviation{clip(d.Expect, 40), clip(d.Code, 80), clip(d.Reason, 1000), link(d.Link)}
	}
	for _, s := range r.Scenarios {
		if c.Scenario == "" || s.Transcript.Scenario != c.Scenario {
			continue
		}
		out.Talk, out.TalkName, out.TalkCount = talkID(c.Scenario), clip(c.Scenario, 80), len(s.Exchanges)
		if c.Verdict == rules.Pass || c.Verdict == rules.NA || c.Verdict == rules.Skip {
			continue
		}
		for _, j := range s.Journeys {
			if len(out.Journeys) < 6 && hasEvidence(j) {
				out.Journeys = append(out.Journeys, pictures.journey(j))
			}
		}
	}
	return out
}

// hasEvidence says that a journey could not go on, or that its pictures were kept.
func hasEvidence(j transcript.Journey) bool {
	return j.Trouble != nil || slices.ContainsFunc(j.Steps, func(s transcript.Step) bool { return s.File != "" })
}

func newFinding(f rules.Finding, r report.Result, l limits) finding {
	out := finding{
		Sign: signOf(f.Severity), Code: clip(f.Code, 80), Strict: f.Strict && f.Severity == rules.Warn,
		Expected: clip(f.Expected, 2000), Observed: clip(f.Observed, 3000),
	}
	for _, ref := range f.Exchanges[:min(len(f.Exchanges), l.cited)] {
		if x, ok := report.FindExchange(r, ref); ok {
			out.Exchanges = append(out.Exchanges, newExchange(ref.Scenario, x, l))
		}
	}
	out.More = max(0, len(f.Exchanges)-l.cited)
	return out
}

func newTalk(s report.Scenario, l limits) talk {
	t := talk{ID: talkID(s.Transcript.Scenario), Name: clip(s.Transcript.Scenario, 80), Took: milliseconds(float64(s.DurationMS)), More: max(0, len(s.Exchanges)-l.talk)}
	for _, state := range []struct{ what, why string }{
		{"aborted", s.Aborted}, {"does not apply", s.Absent}, {"skipped", s.Skipped}, {"bug in devicegrant", s.Broken},
	} {
		if state.why != "" {
			t.State = state.what + ": " + clip(state.why, 600)
		}
	}
	for _, j := range s.Journeys[:min(len(s.Journeys), 20)] {
		t.Journeys = append(t.Journeys, fmt.Sprintf("%s (%s, %s): %s after %s", clip(j.Name, 120), clip(string(j.Goal), 60), clip(j.Driver, 40), clip(string(j.Outcome), 60), number(len(j.Steps), "page", "pages")))
	}
	for _, x := range s.Exchanges[:min(len(s.Exchanges), l.talk)] {
		t.Exchanges = append(t.Exchanges, newExchange(s.Transcript.Scenario, x, l))
	}
	return t
}

func talkID(scenario string) string { return fragment("talk-" + scenario) }
func exchangeID(scenario string, n int) string {
	return fragment(fmt.Sprintf("talk-%s-%d", scenario, n))
}

var notInFragments = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// fragment turns a name into one that is safe as an id and in a link.
func fragment(s string) string {
	return strings.Trim(notInFragments.ReplaceAllString(s[:min(len(s), 100)], "-"), "-")
}

// link is an address that may be followed, else "": only the web's own schemes.
func link(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || len(s) > 500 {
		return ""
	}
	return s
}
