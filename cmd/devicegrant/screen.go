package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

// screen shows a run: on a terminal a plan, a bar, and the results grouped by
// section; on a pipe one plain line for each check as it is judged. It is the
// run's Observer.
type screen struct {
	out, err io.Writer
	look     look
	tty      bool
	silent   bool // standard output belongs to --json
	// noted are the notes that were shown before the first check.
	noted []string
	// told are the reasons that were told, and the check for which.
	told map[string]string

	stop    chan struct{}
	drawing sync.WaitGroup
}

func newScreen(out, err io.Writer, l look, silent bool) *screen {
	return &screen{out: out, err: err, look: l, tty: isTerminal(out), silent: silent}
}

func (s *screen) printf(format string, args ...any) {
	if !s.silent {
		fmt.Fprint(s.out, report.Inert(fmt.Sprintf(format, args...)))
	}
}

// Started implements suites.Observer.
func (s *screen) Started(p suites.Outline) {
	if s.look.quiet {
		return
	}
	p.Target = report.Each(p.Target, clean)
	address := p.Target.Issuer
	s.printf("target  %s\n", describeTarget(p.Target))
	if address != "" {
		s.printf("        %s\n", clean(address))
	}
	s.printf("run     %s, %s", count(len(p.Checks), "check"), count(len(p.Scenarios), "scenario"))
	if p.Target.Driver != "" {
		s.printf(", end user: %s driver", p.Target.Driver)
	}
	s.printf("\n")
	s.noted = p.Notes
	for _, note := range p.Notes {
		s.printf("note    %s\n", strings.ReplaceAll(clean(note), "\n", "\n        "))
	}
	// A bar would write over what the manual driver tells the person.
	if s.look.progress && p.Target.Driver != "manual" {
		s.draw(p)
	}
}

func describeTarget(t report.Target) string {
	text := clean(t.Name)
	if t.Kind == "simulated" {
		text += " (simulated"
		if t.Fidelity != "" {
			text += ": " + clean(t.Fidelity)
		}
		text += ")"
	}
	if t.ClockRate > 1 {
		text += fmt.Sprintf(", clock %g times as fast", t.ClockRate)
	}
	return text
}

// redraw is how often the bar is brought up to date.
const redraw = 150 * time.Millisecond

// draw shows how many scenarios have ended and what the others wait for.
func (s *screen) draw(p suites.Outline) {
	width := columns(s.err)
	barWidth := min(24, width/4)
	container := mpb.New(mpb.WithOutput(s.err), mpb.WithWidth(barWidth), mpb.WithRefreshRate(redraw))
	room := width - barWidth - 12
	bar := container.New(int64(len(p.Scenarios)), mpb.BarStyle().Lbound("[").Rbound("]").Filler("=").Tip(">").Padding(" "),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.CountersNoUnit("%d/%d ")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			_, _, waiting := p.Progress()
			return " " + runewidth.Truncate(waitingFor(waiting, p.Now()), max(10, room), "…")
		})))
	s.stop = make(chan struct{})
	s.drawing.Go(func() {
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				ended, _, _ := p.Progress()
				// The last step is left to the end, so that the bar stays until then.
				bar.SetCurrent(int64(min(ended, len(p.Scenarios)-1)))
			case <-s.stop:
				bar.Abort(true)
				container.Wait()
				return
			}
		}
	})
}

// waitingFor names the scenario that will wait longest.
func waitingFor(waiting []scenario.Status, now time.Duration) string {
	if len(waiting) == 0 {
		return "judging"
	}
	last := waiting[len(waiting)-1]
	switch {
	case last.Waiting == "":
		return last.Scenario
	case last.Until > now:
		return fmt.Sprintf("%s: %s, %ds", last.Scenario, last.Waiting, int((last.Until-now).Seconds())+1)
	}
	return fmt.Sprintf("%s: %s", last.Scenario, last.Waiting)
}

// finish takes the bar away.
func (s *screen) finish() {
	if s.stop != nil {
		close(s.stop)
		s.drawing.Wait()
		s.stop = nil
	}
}

// Checked implements suites.Observer.
func (s *screen) Checked(c report.Check) {
	c = report.Each(c, clean)
	if s.tty || s.look.quiet {
		return // results prints them by section
	}
	if c.Verdict == rules.Pass {
		s.printf("%-12s %-10s %s\n", c.Verdict, c.ID, c.Title)
		return
	}
	s.printf("%-12s %-10s %s: %s\n", c.Verdict, c.ID, c.Title, firstLine(s.reason(c)))
}

// reason is why a check has its verdict. One cause often stands behind many checks
// that were not judged: it is told once, and the others refer to it.
func (s *screen) reason(c report.Check) string {
	reason := clean(c.Reason)
	if c.Verdict != rules.Inconclusive && c.Verdict != rules.NA && c.Verdict != rules.Skip || len(reason) < worthReferring {
		return reason
	}
	if first, told := s.told[reason]; told && first != c.ID {
		return "as for " + first
	}
	if s.told == nil {
		s.told = map[string]string{}
	}
	s.told[reason] = c.ID
	return reason
}

// worthReferring is how long a reason is at least that is not told twice.
const worthReferring = 40

// results prints what the run found.
// path and page are the written files, "" for none.
func (s *screen) results(r report.Result, path, page string) {
	r.Checks = report.Each(r.Checks, clean)
	if s.tty && !s.look.quiet {
		for _, section := range rules.Sections() {
			s.section(section.Number, section.Title, r)
		}
	} else {
		for _, c := range r.Checks {
			if s.needsDetail(c) {
				s.printf("\n%s %s: %s\n", c.ID, c.Verdict, c.Title)
				s.details(c, r)
			}
		}
	}
	if s.look.verbose {
		s.throttle(r)
		s.scenarios(r)
	}
	s.baselineAdvice(r)
	s.printf("\n")
	mattered := r.Machine.Summary()
	for _, note := range r.Notes {
		if note != mattered && note != r.LostNote() && !slices.Contains(s.noted, note) {
			s.wrapped("note    ", clean(note), nil, nil)
		}
	}
	if mattered != "" {
		s.wrapped("machine ", clean(mattered), nil, nil)
	}
	s.printf("%s\n", s.summary(r))
	if r.Interrupted {
		s.printf("interrupted: this is a partial result\n")
	}
	if r.Lost != "" {
		s.wrapped("lost    ", clean(r.Lost), nil, nil)
	}
	s.printf("result  %s\n", path)
	if page != "" {
		s.printf("report  %s\n", page)
	}
}

// unredacted names the files in which secrets stand as they were sent.
func (s *screen) unredacted(paths []string) {
	paths = slices.DeleteFunc(paths, func(path string) bool { return path == "" })
	s.printf("%s and the files next to it contain secrets in the clear; do not share them\n", strings.Join(paths, ", "))
}

// needsDetail says that a check's evidence is shown.
func (s *screen) needsDetail(c report.Check) bool {
	switch c.Verdict {
	case rules.Fail, rules.Broken, report.Fixed:
		return true
	case rules.Warn, rules.Inconclusive:
		return s.look.verbose || s.tty && !s.look.quiet
	}
	return s.look.verbose && len(c.Findings) > 0
}

func (s *screen) section(number, title string, r report.Result) {
	heading := false
	for _, c := range r.Checks {
		if c.Section != number || c.Verdict == rules.Skip && c.Reason == "not selected" {
			continue
		}
		if !heading {
			s.printf("\n%s\n", s.look.paint.bold(number+" "+title))
			heading = true
		}
		mark, brush := s.mark(c.Verdict)
		s.wrapped(fmt.Sprintf("  %s %-9s ", mark, c.ID), c.Title, brush, nil)
		if c.Verdict != rules.Pass && !s.needsDetail(c) {
			s.wrapped("              ", fmt.Sprintf("%s: %s", c.Verdict, firstLine(s.reason(c))), nil, s.look.paint.dim)
		}
		if s.needsDetail(c) {
			s.details(c, r)
		}
	}
}

func (s *screen) mark(v rules.Verdict) (string, func(...any) string) {
	p := s.look.paint
	switch v {
	case rules.Pass:
		return "✓", p.good
	case rules.Fail, rules.Broken, report.Fixed:
		return "✗", p.bad
	case rules.Warn:
		return "!", p.caution
	case rules.Inconclusive:
		return "?", p.caution
	case report.Known:
		return "~", p.caution
	case rules.Info:
		return "i", p.dim
	}
	return "-", p.dim
}

// details prints the findings of a check with their evidence.
func (s *screen) details(c report.Check, r report.Result) {
	const indent = "      "
	if len(c.Findings) == 0 || c.Verdict == rules.Inconclusive || c.Verdict == rules.Broken {
		for _, line := range strings.Split(s.reason(c), "\n") {
			s.wrapped(indent, line, nil, nil)
		}
	}
	shown := 0
	for _, f := range c.Findings {
		if f.Severity == rules.Info && !s.look.verbose {
			continue
		}
		if shown++; shown > maxFindingsShown && !s.look.verbose {
			s.printf("%ssee the report for the rest\n", indent)
			return
		}
		_, brush := s.mark(f.Severity)
		s.printf("%s%s %s\n", indent, brush(string(f.Severity)), f.Code)
		if f.Expected != "" {
			s.wrapped(indent+"expected  ", clean(f.Expected), nil, nil)
		}
		s.wrapped(indent+"observed  ", clean(f.Observed), nil, nil)
		for i, ref := range f.Exchanges {
			x, ok := report.FindExchange(r, ref)
			if !ok {
				continue
			}
			s.printf("%sexchange  %s #%d: %s %s -> %s\n", indent, ref.Scenario, ref.N, clean(x.Method), clean(x.URL), report.Outcome(x))
			if said := x.Says(); said != "" {
				s.wrapped(indent+"server    ", clean(said), nil, nil)
			}
			if i == len(f.Exchanges)-1 {
				s.printf("%s%s\n", indent+s.look.paint.dim("curl      "), report.Curl(x))
			}
		}
	}
}

// maxFindingsShown bounds the findings of one check on a screen.
const maxFindingsShown = 4

// throttle draws the polls behind the figures of POLL-03.
func (s *screen) throttle(r report.Result) {
	if r.Throttle == nil {
		return
	}
	s.printf("\n")
	s.wrapped("throttle  ", clean(r.Throttle.String()), nil, nil)
	s.printf("%s", clean(r.Throttle.Picture()))
}

// scenarios lists the scenarios with their times.
func (s *screen) scenarios(r report.Result) {
	s.printf("\nscenarios\n")
	for _, sc := range r.Scenarios {
		state := ""
		for _, reason := range []string{sc.Aborted, sc.Absent, sc.Skipped, sc.Broken} {
			if reason != "" {
				state = ": " + firstLine(clean(reason))
			}
		}
		s.printf("  %6.1f s  %-28s %s%s\n", float64(sc.DurationMS)/1000, sc.Transcript.Scenario, count(len(sc.Exchanges), "exchange"), state)
	}
}

func (s *screen) summary(r report.Result) string {
	c, p := r.Counts, s.look.paint
	parts := []string{p.good(fmt.Sprintf("%d pass", c.Pass))}
	add := func(n int, word string, brush func(...any) string) {
		if n > 0 {
			parts = append(parts, brush(fmt.Sprintf("%d %s", n, word)))
		}
	}
	add(c.Fail, "fail", p.bad)
	add(c.Error, "error", p.bad)
	add(c.Fixed, "fixed (stale baseline)", p.bad)
	add(c.Warn, "warn", p.caution)
	add(c.Inconclusive, "inconclusive", p.caution)
	add(c.Known, "known", p.caution)
	add(c.Info, "info", p.dim)
	add(c.NA, "n/a", p.dim)
	add(c.Skip, "skip", p.dim)
	return fmt.Sprintf("%s in %s; exit status %d", strings.Join(parts, ", "), (time.Duration(r.DurationMS) * time.Millisecond).Round(100*time.Millisecond), r.ExitCode)
}

// wrapped prints text after a prefix and aligned below it, each in its colour.
func (s *screen) wrapped(prefix, text string, paintPrefix, paintText func(...any) string) {
	if paintPrefix == nil {
		paintPrefix = fmt.Sprint
	}
	if paintText == nil {
		paintText = fmt.Sprint
	}
	indent := runewidth.StringWidth(prefix)
	width := min(columns(s.out), maxWidth) - indent - 1
	prefix = paintPrefix(prefix)
	for _, line := range wrap(text, max(20, width)) {
		s.printf("%s%s\n", prefix, paintText(line))
		prefix = strings.Repeat(" ", indent)
	}
}

// maxWidth is the longest line that is comfortable to read.
const maxWidth = 110

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// clean makes a text from the target harmless for a terminal: control and format
// characters, which could move the cursor, turn a line around or hide, are spelled
// out.
func clean(s string) string { return report.Visible(s) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
