package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/suites/report"
)

// loadScreen shows a load run: on a terminal bars, on a pipe one line every
// five seconds, and the figures in the end.
type loadScreen struct {
	out, err io.Writer
	look     look
	tty      bool
	silent   bool // standard output belongs to --json

	mu        sync.Mutex
	last      loadgen.Live
	said      time.Duration
	devices   int
	container *mpb.Progress
	bars      []*mpb.Bar
}

func newLoadScreen(out, err io.Writer, l look, silent bool) *loadScreen {
	return &loadScreen{out: out, err: err, look: l, tty: isTerminal(out), silent: silent}
}

func (s *loadScreen) printf(format string, args ...any) {
	if !s.silent {
		fmt.Fprint(s.out, report.Inert(fmt.Sprintf(format, args...)))
	}
}

func (s *loadScreen) note(text string) {
	if !s.look.quiet {
		s.printf("%s\n", text)
	}
}

func (s *loadScreen) heading(o loadgen.Options) {
	if s.look.quiet {
		return
	}
	t := o.Site.Target()
	s.printf("target   %s", clean(t.Name))
	if t.Kind == "simulated" {
		s.printf(" (simulated: %s)", clean(t.Fidelity))
	}
	s.printf("\n         %s\n", clean(t.Token))
}

// planned tells what is going to happen.
func (s *loadScreen) planned(o loadgen.Options) {
	s.heading(o)
	s.devices = o.Plan.Devices
	if !s.look.quiet {
		s.printf("plan     %s: %s for %s", o.Plan.Workload, count(o.Plan.Devices, "device"), o.Plan.Duration)
		if o.Approver != nil {
			s.printf(", approvals through %s", o.Approver.Name())
		}
		if o.Plan.AtRest != nil && *o.Plan.AtRest {
			s.printf("; first, one device alone, to measure slow_down")
		}
		s.printf("\n")
	}
	if s.look.progress {
		s.draw()
	}
}

// searching tells the same of a search.
func (s *loadScreen) searching(o loadgen.Options, slo []string, most int) {
	s.heading(o)
	s.note(fmt.Sprintf("search   the largest number of devices with %s, up to %d", strings.Join(slo, " and "), most))
	if s.look.progress {
		s.draw()
	}
}

// draw shows a bar for the time and two lines of figures.
func (s *loadScreen) draw() {
	width := min(columns(s.err), maxWidth)
	barWidth := min(30, width/3)
	s.container = mpb.New(mpb.WithOutput(s.err), mpb.WithWidth(barWidth), mpb.WithRefreshRate(500*time.Millisecond))
	line := func(of func(loadgen.Live) string) *mpb.Bar {
		return s.container.New(1, mpb.NopStyle(), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return runewidth.Truncate(of(s.last), width-2, "…")
		})))
	}
	bar := s.container.New(1000, mpb.BarStyle().Lbound("[").Rbound("]").Filler("=").Tip(">").Padding(" "),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			s.mu.Lock()
			defer s.mu.Unlock()
			left := max(0, s.last.Duration-s.last.Elapsed).Round(time.Second)
			text := fmt.Sprintf(" %s, %s left", s.last.Phase, left)
			if s.last.Phase == "" || s.last.Duration > 24*time.Hour {
				text = " starting"
			}
			return runewidth.Truncate(text, max(10, width-barWidth-4), "…")
		})))
	s.bars = []*mpb.Bar{bar, line(devicesLine), line(figuresLine)}
}

func devicesLine(l loadgen.Live) string {
	t := l.Totals
	return fmt.Sprintf("devices  %d polling, %d tokens, %d denied, %d expired, %d gone, %d failed", l.Now.Waiting, t.Tokens, t.Refused, t.Expired, t.Abandoned, t.Failed)
}

func figuresLine(l loadgen.Live) string {
	n := l.Now
	return fmt.Sprintf("%d polls/s  p99 %s  slow_down %d/s  errors %d/s  late p99 %s", perSecond(n.Polls, n.SpanS), ms(n.P99MS),
		perSecond(n.SlowDowns, n.SpanS), perSecond(n.Errors, n.SpanS), ms(n.LatenessP99MS))
}

func perSecond(n int64, span float64) int64 {
	if span <= 0 {
		return 0
	}
	return int64(float64(n)/span + 0.5)
}

// ms is a time for people.
func ms(v float64) string {
	switch {
	case v >= 10_000:
		return fmt.Sprintf("%.1fs", v/1000)
	case v >= 100:
		return fmt.Sprintf("%.0fms", v)
	case v >= 10:
		return fmt.Sprintf("%.1fms", v)
	}
	return fmt.Sprintf("%.2fms", v)
}

// sayEvery is how often a pipe gets a line.
const sayEvery = 5 * time.Second

// live takes one look at the run.
func (s *loadScreen) live(l loadgen.Live) {
	s.mu.Lock()
	s.last = l
	bars := s.bars
	quiet := bars != nil || s.look.quiet || l.Elapsed-s.said < sayEvery-200*time.Millisecond && l.Elapsed >= s.said
	if !quiet {
		s.said = l.Elapsed
	}
	s.mu.Unlock()
	if bars != nil {
		// The last step is left to the end, so that the bar stays until then.
		bars[0].SetCurrent(min(999, int64(1000*float64(l.Elapsed)/float64(max(1, l.Duration)))))
		return
	}
	if !quiet && !s.silent {
		s.printf("%4.0fs %-10s %d polling, %s\n", l.Elapsed.Seconds(), l.Phase, l.Now.Waiting, figuresLine(l))
	}
}

// stepped tells of one run of a search.
func (s *loadScreen) stepped(step loadgen.Step) {
	if s.look.quiet {
		return
	}
	how := s.look.paint.good("held")
	if !step.Held {
		how = s.look.paint.bad("broke")
	}
	if step.Confirms {
		how += " (confirmation)"
	}
	text := fmt.Sprintf("%8d devices  %8.1f polls/s  p99 %-9s %s %s", step.Devices, step.Polls, ms(step.P99MS), how, clean(step.Broke))
	if s.container != nil {
		fmt.Fprintln(s.container, text) // above the bars
		return
	}
	s.printf("%s\n", text)
}

// finish takes the bars away.
func (s *loadScreen) finish() {
	s.mu.Lock()
	bars := s.bars
	s.bars = nil
	s.mu.Unlock()
	for _, b := range bars {
		b.Abort(true)
	}
	if s.container != nil {
		s.container.Wait()
	}
}

// results prints what the run found.
func (s *loadScreen) results(r loadgen.Result, dir string) {
	r = report.Each(r, clean)
	p := s.look.paint
	s.printf("\n")
	row := func(name, format string, args ...any) {
		indent := strings.Repeat(" ", 14)
		width := max(20, min(columns(s.out), maxWidth)-len(indent)-1)
		for i, line := range wrap(clean(fmt.Sprintf(format, args...)), width) {
			if i > 0 {
				name = ""
			}
			s.printf("%-13s %s\n", name, line)
		}
	}
	if c := r.Capacity; c != nil {
		s.capacity(c, row)
	} else {
		s.figures(r, row)
	}
	for _, t := range r.Thresholds {
		mark := p.good("✓")
		switch {
		case !t.Measured:
			mark = p.dim("-")
		case !t.OK:
			mark = p.bad("✗")
		}
		s.printf("%-13s %s %s: %s\n", "threshold", mark, t.Text, t.Observed)
	}
	s.violations(r.Ledger, row)
	if r.Aborted != "" {
		row("aborted", "%s", r.Aborted)
	}
	for _, note := range r.Notes {
		row("note", "%s", note)
	}
	for _, why := range r.Validity.Reasons {
		row("invalid", "%s", why)
	}
	words := map[loadgen.Verdict]string{
		loadgen.Held: p.good("pass"), loadgen.Missed: p.bad("fail"), loadgen.Stopped: p.caution("interrupted: the result is partial"),
		loadgen.Invalid: p.caution("invalid: this run says nothing about the server"),
	}
	s.printf("\n%s in %s; exit status %d\n", words[r.Verdict], time.Duration(r.EndedS*float64(time.Second)).Round(100*time.Millisecond), r.ExitCode)
	s.printf("result   %s (load.json, load.hlog, load.xml, records.bin)\n", filepath.Join(dir, "load.html"))
}

func (s *loadScreen) figures(r loadgen.Result, row func(string, string, ...any)) {
	d := r.Devices
	row("devices", "%d got codes, at most %d polling at once; %d approved, %d denied, %d tokens; %d polling at the end",
		d.Issued, d.Peak, d.Approved, d.Denied, d.Tokens, d.Waiting)
	if d.Forgotten > 0 {
		row("", "%d devices were told too early that their codes had ended, before any decision", d.Forgotten)
	}
	row("rates", "%.1f polls/s (%.1f intended), %.1f codes/s, %.1f tokens/s", r.Rates.PollsAnswered, r.Rates.PollsIntended, r.Rates.Issued, r.Rates.Tokens)
	for _, l := range r.Latencies {
		if l.Answer == "" {
			more := ""
			if l.TimedOut > 0 {
				more += fmt.Sprintf(", %d timed out", l.TimedOut)
			}
			if l.Censored > 0 {
				more += fmt.Sprintf(", %d without a response at the end", l.Censored)
			}
			row(l.Kind+" latency", "p50 %s, p90 %s, p99 %s, p99.9 %s, max %s, from the intended send time%s", ms(l.P50MS), ms(l.P90MS), ms(l.P99MS), ms(l.P999MS), ms(l.MaxMS), more)
		}
	}
	var answers []string
	for _, c := range r.Requests {
		answers = append(answers, fmt.Sprintf("%d %s", c.Count, c.Answer))
	}
	row("answers", "%s", strings.Join(answers, ", "))
	for kind, text := range r.Transport.FirstFailures {
		row("failure", "%d %s: %s", r.Transport.Failures[kind], kind, text)
	}
	if slow := r.SlowDown; slow.Obedient.Polls+slow.Hurried.Polls > 0 {
		row("slow_down", "%d of %d polls from compliant devices, %d of %d polls that came too early; %s", slow.Obedient.SlowDowns, slow.Obedient.Polls,
			slow.Hurried.SlowDowns, slow.Hurried.Polls, slow.Reading)
	}
	if a := r.SlowDown.AtRest; a != nil {
		row("", "alone: %s after the interval, %s too early, %s at the old interval, %s five seconds later", a.Obedient, a.Hurried, a.Forgetful, a.Grown)
	}
	if t := r.Tokens; t.TimeToToken.Count > 0 {
		row("token", "p50 %s, p99 %s after approval; p99 %s after the first poll that could return it; at poll %.2f on average, poll %d at most",
			ms(t.TimeToToken.P50MS), ms(t.TimeToToken.P99MS), ms(t.Excess.P99MS), t.PollsMean, t.PollsMax)
	}
	if e := r.Expiry; e.Heard > 0 || e.Late > 0 {
		row("expiry", "%d devices received expired_token; %d early (by at most %s); %d polls were still pending after expiry (by at most %s)", e.Heard, e.Early, ms(e.EarlyMaxMS), e.Late, ms(e.LateMaxMS))
	}
	if a := r.Approvals; a.Failed > 0 {
		row("approvals", "%d of %d failed; first failure: %s", a.Failed, a.Asked, a.FirstFailure)
	}
	if c := r.Approvals.Canary; c != nil && c.Journeys > 0 {
		row("canary", "%d journeys in a real browser, %d failed, at most %s each%s", c.Journeys, c.Failed, ms(c.Took.MaxMS), withFirst(c.FirstFailure))
	}
	g, cost := r.Generator, ""
	if g.CPUPer1000 > 0 {
		cost = fmt.Sprintf(", %.1f ms per 1,000 polls", g.CPUPer1000)
	}
	row("generator", "late p50 %s, p99 %s, max %s; waited for a connection p99 %s; %.1f %% of a core%s; %.0f MB",
		ms(g.Lateness.P50MS), ms(g.Lateness.P99MS), ms(g.Lateness.MaxMS), ms(g.Wait.P99MS), 100*g.CPUShare, cost, float64(g.PeakRSS)/1e6)
	how := s.look.paint.good("clean")
	switch {
	case !r.Ledger.Clean:
		how = s.look.paint.bad("broken")
	case r.Ledger.Replayed > 0:
		how = s.look.paint.caution("replayed")
	case r.Ledger.Starved > 0:
		how = s.look.paint.caution("starved")
	}
	s.printf("%-13s %s: %d approved, %d tokens", "ledger", how, r.Ledger.Approved, r.Ledger.Tokens)
	if r.Ledger.Replayed > 0 {
		s.printf(", %d of them given again", r.Ledger.Replayed)
	}
	if r.Ledger.Starved > 0 {
		s.printf(", %d with nothing but slow_down", r.Ledger.Starved)
	}
	if r.Ledger.StarvedHasty > 0 {
		s.printf(", %d hasty ones without a token", r.Ledger.StarvedHasty)
	}
	if r.Ledger.Ambiguous > 0 {
		s.printf(", %d with a lost response", r.Ledger.Ambiguous)
	}
	if r.Ledger.Open > 0 {
		s.printf(", %d ended before they could ask", r.Ledger.Open)
	}
	s.printf("\n")
}

func (s *loadScreen) capacity(c *loadgen.Capacity, row func(string, string, ...any)) {
	if c.Devices > 0 {
		row("capacity", "%d devices, %.1f polls/s", c.Devices, c.Polls)
	} else {
		row("capacity", "the first step already failed")
	}
	if c.Broke != "" {
		row("broke first", "at %d devices: %s", c.BrokeDevices, c.Broke)
	}
	if c.Bound != "" {
		row("ended by", "%s", c.Bound)
	}
}

// violations prints the counter-examples of the ledger.
func (s *loadScreen) violations(l loadgen.Ledger, row func(string, string, ...any)) {
	for _, v := range l.Violations {
		s.printf("%-13s %s %s: %s (%s)\n", "", s.look.paint.bad("✗"), v.Code, v.Title, count(v.Count, "device"))
		for _, e := range v.Examples {
			row("", "device %d: %s", e.Device, e.What)
			from := max(0, len(e.History)-6)
			for _, h := range e.History[from:] {
				row("", "  %9.1f ms  %-5s %d %s (%s)", h.SentMS, h.Kind, h.Status, h.Answer, ms(h.AnsweredMS-h.SentMS))
			}
			if !s.look.verbose {
				break
			}
		}
	}
}

// withFirst is the first failure, as the end of a line.
func withFirst(failure string) string {
	if failure == "" {
		return ""
	}
	return "; first failure: " + failure
}
