package useragent

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// fault is a driver's error whose class is known.
type fault struct {
	class transcript.TroubleClass
	cause string
}

func (f *fault) Error() string { return f.cause }

// The causes of the two time limits of a journey.
var (
	errStep    = errors.New("the step's time is up")
	errJourney = errors.New("the journey's time is up")
)

// classOf sorts an error, and words it without a bare "deadline exceeded".
func classOf(err error) (transcript.TroubleClass, string) {
	var f *fault
	switch {
	case errors.As(err, &f):
		return f.class, f.cause
	case errors.Is(err, errJourney):
		return transcript.JourneyTimeout, "the time for the whole journey is up (limits.journey)"
	case errors.Is(err, errStep), errors.Is(err, context.DeadlineExceeded):
		return transcript.NavTimeout, "the page did not answer in time (limits.step)"
	case errors.Is(err, context.Canceled):
		return transcript.JourneyCanceled, "the run was interrupted"
	case errors.Is(err, errLost):
		return transcript.ValueLost, err.Error()
	}
	return transcript.Unreachable, err.Error()
}

// notRecognised reports a page that nothing fits, with an entry to start from.
func (v *visit) notRecognised(p *sighting) *transcript.Trouble {
	if !v.tab.live() && p.Scripts {
		t := p.trouble(transcript.NeedsScript, "the page is made by scripts, which the forms driver does not run")
		t.Hint = "use the driver browser"
		return t
	}
	t := p.trouble(transcript.NotRecognised, "no profile entry and no heuristic fits the page")
	if p.Frames > 0 {
		t.Cause += "; it has a frame from another site, which cannot be read"
	}
	t.Hint = "add to verification.pages: " + p.suggest()
	return t
}

// suggest is a profile entry made from what is on the page.
func (p *sighting) suggest() string {
	when := "title: " + fmt.Sprintf("%q", p.Title)
	if u, err := url.Parse(p.URL); err == nil && u.Path != "" && u.Path != "/" {
		when = fmt.Sprintf("url: %q", "*"+u.Path+"*")
	}
	var do []string
	for i := range p.Elements {
		e := &p.Elements[i]
		if !e.usable() || len(do) > 3 {
			continue
		}
		at := ""
		switch {
		case e.ID != "":
			at = fmt.Sprintf("{id: %q}", e.ID)
		case e.Name != "":
			at = fmt.Sprintf("{name: %q}", e.Name)
		case e.Label != "" && e.Kind == Button:
			at = fmt.Sprintf("{button: %q}", e.Label)
		default:
			continue
		}
		switch e.Kind {
		case TextField, Password:
			do = append(do, "{fill: "+at+", with: ...}")
		case Button:
			do = append(do, "{click: "+at+"}")
		}
	}
	return fmt.Sprintf("- {role: ..., when: {%s}, do: [%s]}", when, strings.Join(do, ", "))
}

// orEmpty is p, or a sighting of nothing.
func (p *sighting) orEmpty() *sighting {
	if p == nil {
		return &sighting{Snapshot: &Snapshot{}}
	}
	return p
}

// scrub takes a secret out of everything that a journey keeps as text.
func scrub(j *transcript.Journey, secret string) {
	if len(secret) < 3 {
		return
	}
	gone := strings.NewReplacer(secret, "[secret]", url.QueryEscape(secret), "[secret]", url.PathEscape(secret), "[secret]")
	clean := func(texts ...*string) {
		for _, t := range texts {
			*t = gone.Replace(*t)
		}
	}
	for i := range j.Steps {
		s := &j.Steps[i]
		clean(&s.Reason, &s.Action, &s.URL, &s.Title, &s.Alert, &s.Text)
		for i := range s.Fields {
			clean(&s.Fields[i])
		}
	}
	if t := j.Trouble; t != nil {
		clean(&t.Action, &t.Selector, &t.URL, &t.Title, &t.Alert, &t.Hint, &t.Cause, &t.HTML)
		for _, many := range [][]string{t.Fields, t.Buttons, t.Tried} {
			for i := range many {
				clean(&many[i])
			}
		}
	}
}
