package useragent

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"rsc.io/qr"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// manual is the driver that shows the code to a person and waits. It asks one
// question at a time, whoever else wants something of the person.
type manual struct {
	o    Options
	turn chan struct{}

	start sync.Once
	lines chan string // what the person types; closed at the end of the input
}

func newManual(o Options) *manual {
	return &manual{o: o, turn: make(chan struct{}, 1), lines: make(chan string)}
}

func (m *manual) Name() string { return "manual" }
func (m *manual) Close() error { return nil }

// NewAgent implements Driver. It waits until the person is free.
func (m *manual) NewAgent(ctx context.Context) (Agent, error) {
	select {
	case m.turn <- struct{}{}:
		return &manualAgent{manual: m, free: sync.OnceFunc(func() { <-m.turn })}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// read passes on the lines of the input. It outlives a journey, since a read
// from a terminal cannot be called off.
func (m *manual) read() {
	defer close(m.lines)
	s := bufio.NewScanner(m.o.In)
	for s.Scan() {
		m.lines <- s.Text()
	}
}

type manualAgent struct {
	*manual
	free func()
}

// Close makes the person free for another agent.
func (s *manualAgent) Close() error {
	s.free()
	return nil
}

// Journey implements Agent.
func (s *manualAgent) Journey(ctx context.Context, task Task) transcript.Journey {
	j := transcript.Journey{Name: task.Name, Goal: task.Goal, Driver: s.Name(), Start: task.Start, Started: s.o.Now()}
	if task.AtDecision != nil || task.AtRequest != nil {
		return unsupported(j, "the manual driver cannot pause before the decision", s.o.Now())
	}
	outcome, todo := transcript.Approved, "log in if asked, and APPROVE"
	switch task.Goal {
	case transcript.Approve:
	case transcript.Deny:
		outcome, todo = transcript.Denied, "log in if asked, and DENY"
	default:
		return unsupported(j, "the manual driver can only approve and deny", s.o.Now())
	}
	if task.TypeCode {
		j.TypedCode = task.UserCode
	}
	s.show(task, todo)
	began := time.Now()
	answer, err := s.wait(ctx, task.Deadline)
	step := transcript.Step{N: 1, Page: "manual", Action: "asked the user: " + todo, URL: task.Start,
		TookMS: float64(time.Since(began).Microseconds()) / 1000}
	j.Steps, j.Ended = []transcript.Step{step}, s.o.Now()
	if err == nil && strings.EqualFold(strings.TrimSpace(answer), "x") {
		err = Failed(transcript.Unsupported, "the user could not do it")
	}
	if err != nil {
		class, cause := classOf(err)
		j.Outcome = transcript.Unfinished
		j.Trouble = &transcript.Trouble{Class: class, Step: 1, Page: "manual", URL: task.Start, Cause: cause}
		return j
	}
	j.Outcome, j.Decided, j.CodeTyped = outcome, true, task.TypeCode
	_, _ = io.WriteString(s.o.Out, "  noted  the device now polls for the result, which takes a few polls\n")
	return j
}

func (s *manualAgent) show(task Task, todo string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", pages.Tidy(task.Name, pages.MaxLabel))
	if picture, err := qrCode(cmp.Or(task.Complete, task.Start)); err == nil {
		b.WriteString(picture)
	}
	fmt.Fprintf(&b, "  open   %s\n", pages.Tidy(task.Start, pages.MaxText))
	if task.TypeCode {
		fmt.Fprintf(&b, "  enter  %s\n", pages.Tidy(task.UserCode, pages.MaxLabel))
	} else {
		fmt.Fprintf(&b, "  code   %s (the page must show it, do not type it)\n", pages.Tidy(task.UserCode, pages.MaxLabel))
	}
	if task.Account != nil {
		fmt.Fprintf(&b, "  as     %s\n", pages.Tidy(task.Account.Username, pages.MaxLabel))
	}
	fmt.Fprintf(&b, "  then   %s\n  type   Enter when done, x if you could not do it\n", todo)
	_, _ = io.WriteString(s.o.Out, b.String())
}

// errExpired ends a wait that the person could no longer answer in time.
var errExpired = Failed(transcript.JourneyTimeout, "the code expired before the user answered")

// wait counts down to the deadline until the person answers. There is no
// journey limit here: people are slow.
func (s *manualAgent) wait(ctx context.Context, deadline time.Time) (string, error) {
	s.start.Do(func() { go s.read() })
	second := time.NewTicker(time.Second)
	defer second.Stop()
	var expired <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		expired = t.C
		s.countdown(deadline)
	}
	defer func() { _, _ = io.WriteString(s.o.Out, "\n") }()
	for {
		select {
		case line, ok := <-s.lines:
			if !ok {
				return "", Failed(transcript.Unsupported, "no one can answer: the input has ended")
			}
			return line, nil
		case <-second.C:
			if !deadline.IsZero() {
				s.countdown(deadline)
			}
		case <-expired:
			return "", errExpired
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

func (s *manualAgent) countdown(deadline time.Time) {
	left := max(0, time.Until(deadline)).Round(time.Second)
	_, _ = fmt.Fprintf(s.o.Out, "\r  left   %-8s", left)
}

// qrCode draws a QR code with half blocks, two rows in one line, dark on light
// with the quiet zone that scanners need.
func qrCode(text string) (string, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return "", err
	}
	const quiet = 2
	light := func(x, y int) bool { return !code.Black(x, y) }
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("  ")
		for x := -quiet; x < code.Size+quiet; x++ {
			switch top, bottom := light(x, y), light(x, y+1) && y+1 < code.Size+quiet; {
			case top && bottom:
				b.WriteRune('█')
			case top:
				b.WriteRune('▀')
			case bottom:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}
