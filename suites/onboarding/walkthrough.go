package onboarding

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/scenario"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Walkthrough is one trial journey, with everything that the author of a
// profile needs to know about it.
type Walkthrough struct {
	scenario.Walkthrough
	Case   string
	Target string // the issuer, or where the device asks
	// Screenshots are the files of the journey's steps, "" for none.
	Screenshots []string
	// Pages are profile entries from what the heuristics recognized, and Alike the
	// roles of pages that no entry would tell from another page of the journey.
	Pages []profiles.Page
	Alike []string
	// Ended says that the journey ended as its case requires, and the device
	// got the matching response.
	Ended bool
}

// Walk makes one trial journey at the target of a profile: one of
// [scenario.WalkthroughCases]. Screenshots are written into dir, unless it is
// "".
func Walk(ctx context.Context, o suites.Options, kind, dir string) (Walkthrough, error) {
	s, err := suites.Open(ctx, o)
	if err != nil {
		return Walkthrough{}, err
	}
	defer s.Close()
	env := s.Environment()
	if env.Driver == nil {
		return Walkthrough{}, errors.New(env.NoDriver)
	}
	t := Walkthrough{Case: kind, Target: cmp.Or(env.Target.Issuer, env.Target.Endpoints.DeviceAuthorization)}
	if t.Walkthrough, err = scenario.Walk(ctx, env, kind); err != nil {
		return t, err
	}
	t.Pages, t.Alike = SuggestPages(t.Journey)
	t.Ended = t.asItHasTo()
	for _, step := range t.Journey.Steps {
		file, err := saveScreenshot(dir, fmt.Sprintf("%s-%02d-%s.jpg", kind, step.N, step.Page), step.Screenshot)
		if err != nil {
			return t, err
		}
		t.Screenshots = append(t.Screenshots, file)
	}
	return t, nil
}

// asItHasTo compares the end of the journey with its case.
func (t Walkthrough) asItHasTo() bool {
	outcome := t.Journey.Outcome
	_, token := token(t)
	switch t.Case {
	case "deny":
		return outcome == transcript.Denied && t.Answer.OAuthError() == "access_denied"
	case "wrong_code":
		return outcome == transcript.CodeRejected && !token
	case "login_failed":
		return outcome == transcript.LoginFailed
	}
	return outcome == transcript.Approved && token
}

func token(t Walkthrough) (string, bool) {
	o, err := t.Answer.Object()
	if err != nil {
		return "", false
	}
	return o.String("access_token")
}

// Hint says what to change in a hook that did not tell of a refusal; "" for
// nothing.
func (t Walkthrough) Hint() string {
	if t.Case == "wrong_code" && t.Journey.Driver == "hook" && t.Journey.Outcome == transcript.Approved {
		return "the hook reports success for a code that was never issued: let it exit with status 117, or answer HTTP 477, when the server refuses a code"
	}
	return ""
}

// Heard says what the device got in the end.
func (t Walkthrough) Heard() string {
	if t.Polls == 0 {
		return "the device did not poll: nobody logged in or decided"
	}
	if _, ok := token(t); ok {
		return fmt.Sprintf("the device got a token at poll %d", t.Polls)
	}
	if e := t.Answer.OAuthError(); e != "" {
		return fmt.Sprintf("the device got %q at poll %d", e, t.Polls)
	}
	return fmt.Sprintf("poll %d got %d", t.Polls, t.Answer.Status)
}

// saveScreenshot writes a picture into a folder that is made for it.
func saveScreenshot(dir, name string, picture []byte) (string, error) {
	if dir == "" || len(picture) == 0 {
		return "", nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("the folder for the screenshots: %w", err)
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		return "", fmt.Errorf("writing a screenshot: %w", err)
	}
	return file, nil
}
