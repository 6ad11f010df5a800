package useragent

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// failure is a driver's error whose class is known.
type failure struct {
	class transcript.TroubleClass
	cause string
}

func (f *failure) Error() string { return f.cause }

// Failed returns an error of a known class, for the trouble of a journey. Its
// text is the cause.
func Failed(class transcript.TroubleClass, cause string) error { return &failure{class, cause} }

// Covered is the error of a control that something lies over.
func Covered(by string) error {
	return Failed(transcript.ElementMissing, fmt.Sprintf("the control is covered by %q", pages.Tidy(by, pages.MaxLabel)))
}

// The causes of the two time limits of a journey.
var (
	errStep    = errors.New("the step timed out")
	errJourney = errors.New("the journey timed out")
)

// classOf sorts an error, and words it without a bare "deadline exceeded".
func classOf(err error) (transcript.TroubleClass, string) {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f.class, f.cause
	case errors.Is(err, errJourney):
		return transcript.JourneyTimeout, "the whole journey timed out (limits.journey)"
	case errors.Is(err, errStep), errors.Is(err, context.DeadlineExceeded):
		return transcript.NavTimeout, "the page did not answer in time (limits.step)"
	case errors.Is(err, context.Canceled):
		return transcript.JourneyCanceled, "the run was interrupted"
	case errors.Is(err, ErrLost):
		return transcript.ValueLost, err.Error()
	}
	return transcript.Unreachable, err.Error()
}

// CauseOf describes an error of a [Tab] for a report.
func CauseOf(err error) string {
	_, cause := classOf(err)
	return cause
}

// notRecognised reports a page that nothing fits, with an entry to start from.
func (v *visit) notRecognised(p *pages.Sighting) *transcript.Trouble {
	if !v.tab.Live() && p.Scripts {
		t := p.Trouble(transcript.NeedsScript, "scripts build the page, and the forms driver does not run scripts")
		t.Hint = "use the browser driver"
		return t
	}
	if cover := p.Covered(); cover != "" {
		t := p.Trouble(transcript.NotRecognised, fmt.Sprintf("the page's controls are covered by %q, which offers nothing that the heuristics know", cover))
		t.Hint = "describe what closes it as a page with role: interstitial in verification.pages"
		return t
	}
	t := p.Trouble(transcript.NotRecognised, "no profile entry or heuristic matches the page")
	if p.Frames > 0 {
		t.Cause += "; it has an unreadable frame from another site"
	}
	t.Hint = "add to verification.pages: " + p.Suggest()
	return t
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
		clean(&s.Reason, &s.Action, &s.Question, &s.URL, &s.Title, &s.Alert, &s.Text)
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
