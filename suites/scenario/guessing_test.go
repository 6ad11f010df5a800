package scenario

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// guess lets a guesser act who has one user agent in memory, and returns what
// was typed, with the runs of equal guesses counted: "logged in: 5 wrong code
// rejected".
func guess(t *testing.T, by *people, act func(g *guesser, s useragent.Agent) error) (said transcript.Transcript, typed []string) {
	t.Helper()
	return guessAt(t, nil, by, act)
}

// guessAt is guess at a server that is not the usual one.
func guessAt(t *testing.T, at *idp, by *people, act func(g *guesser, s useragent.Agent) error) (said transcript.Transcript, typed []string) {
	t.Helper()
	g := &telling{at: at, by: by, act: func(c *conversation) error {
		s, err := c.person()
		if err != nil {
			return err
		}
		defer s.Close()
		return act(&guesser{conversation: c, account: account(c.Profile.Users.Third)}, s)
	}}
	said = g.one(t, transcript.Guessing)
	last, n := "", 0
	for _, made := range said.Guessed {
		kind := "wrong"
		if made.Right {
			kind = "right"
		}
		if made.Limited() {
			kind += " held back"
		} else {
			kind += " " + string(made.Outcome)
		}
		if line := made.Series + ": " + kind; line != last {
			last, n = line, 0
			typed = append(typed, "")
		}
		n++
		typed[len(typed)-1] = fmt.Sprintf("%s x%d", last, n)
	}
	return said, typed
}

// TestSeriesOfGuesses: a series types wrong codes, a right one after every few,
// and a right one in the end, until it is held back twice.
func TestSeriesOfGuesses(t *testing.T) {
	for _, test := range []struct {
		name    string
		by      *people
		every   int
		someone bool
		held    bool
		want    string
	}{
		{"no limit", &people{}, successEvery, true, false,
			"s: wrong code rejected x5, s: right at decision x1, s: wrong code rejected x3, s: right at decision x1"},
		{"no limit, in a row", &people{}, 0, true, false, "s: wrong code rejected x8, s: right at decision x1"},
		{"without logging in", &people{}, 0, false, false, "s: wrong code rejected x8, s: right at login x1"},
		{"a limit of three", &people{limit: 3, forgets: time.Hour}, successEvery, true, true, "s: wrong code rejected x3, s: wrong held back x2, s: right held back x1"},
		{"a limit that right codes start anew", &people{limit: 6, forgets: time.Hour}, successEvery, true, false,
			"s: wrong code rejected x5, s: right at decision x1, s: wrong code rejected x3, s: right at decision x1"},
		{"the same in a row", &people{limit: 6, forgets: time.Hour}, 0, true, true, "s: wrong code rejected x6, s: wrong held back x2, s: right held back x1"},
		{"held back at the right code only", &people{limit: 8, forgets: time.Hour}, 0, true, true, "s: wrong code rejected x8, s: right held back x1"},
		{"held back once, and let in again", &people{limit: 3, forgets: 500 * time.Millisecond, takes: 300 * time.Millisecond}, 0, true, false,
			"s: wrong code rejected x3, s: wrong held back x1, s: wrong code rejected x3, s: wrong held back x1, s: right at decision x1"},
		{"the login comes before the code", &people{loginFirst: true}, successEvery, false, false, "s: wrong at login x1"},
		{"pages that nobody understands", &people{meet: func(int, useragent.Task) (transcript.Outcome, bool) { return transcript.Unfinished, true }}, successEvery, true, true,
			"s: wrong unfinished x2, s: right unfinished x1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, typed := guess(t, test.by, func(g *guesser, s useragent.Agent) error {
				who := g.account
				if !test.someone {
					who = nil
				}
				held, err := g.series(s, "s", test.every, who)
				if held != test.held {
					t.Errorf("held back: %t", held)
				}
				return err
			})
			if got := strings.Join(typed, ", "); got != test.want || said.Aborted != "" {
				t.Errorf("%q %s, want %q", got, said.Aborted, test.want)
			}
			// Each right code is typed once, and each wrong one is of its shape.
			seen := map[string]bool{}
			for _, e := range test.by.done {
				if seen[e.task.UserCode] || len(e.task.UserCode) != len("ABCD-EFGH") {
					t.Errorf("%q was typed", e.task.UserCode)
				}
				seen[e.task.UserCode] = true
			}
		})
	}
}

// TestLetInAgain: who was held back in a row waits to be let in, types more
// wrong codes than ever with right ones in between, and is held back once more.
func TestLetInAgain(t *testing.T) {
	for _, test := range []struct {
		name    string
		forgets time.Duration
		want    string
		waits   time.Duration
	}{
		{"a limit that right codes start anew", 18 * time.Second, `s, in a row: wrong code rejected x7, s, in a row: wrong held back x1, s, in a row: right held back x1, ` +
			`s, waiting: wrong held back x3, s, waiting: wrong code rejected x1, ` +
			`s, again: wrong code rejected x5, s, again: right at decision x1, s, again: wrong code rejected x5, s, again: right at decision x1, s, again: wrong code rejected x2, s, again: right at decision x1, ` +
			`s, held again: wrong code rejected x7, s, held again: wrong held back x2, s, held again: right held back x1`, 20 * time.Second},
		{"a lock for an hour", time.Hour, `s, in a row: wrong code rejected x7, s, in a row: wrong held back x1, s, in a row: right held back x1, s, waiting: wrong held back x15`, letInWithin},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, typed := guess(t, &people{limit: 7, forgets: test.forgets}, func(g *guesser, s useragent.Agent) error {
				if _, err := g.series(s, labels.InARow("s"), 0, g.account); err != nil {
					return err
				}
				before := g.Clock.Now()
				err := g.again(s, "s", g.account)
				if took := g.Clock.Now() - before; took != test.waits {
					t.Errorf("it took %s", took)
				}
				if g.most != 0 {
					t.Errorf("later series would type %d", g.most)
				}
				return err
			})
			if got := strings.Join(typed, ", "); got != test.want || said.Aborted != "" {
				t.Errorf("%s\n%q, want\n%q", said.Aborted, got, test.want)
			}
		})
	}
}

// TestNoMoreCodes: a limit on issuing codes is none on typing them, unless the pages
// refuse a code at that moment, too.
func TestNoMoreCodes(t *testing.T) {
	for _, test := range []struct {
		name string
		by   *people
		want string
		held bool
	}{
		{"the pages go on", &people{}, "s: wrong code rejected x6, s: right unfinished x1", false},
		{"everything is locked", &people{limit: 5, forgets: time.Hour}, "s: wrong code rejected x5, s: wrong held back x1", true},
	} {
		issued := 0
		at := &idp{meddle: func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/device" {
				return false
			}
			if issued++; issued == 1 {
				return false
			}
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}}
		said, typed := guessAt(t, at, test.by, func(g *guesser, s useragent.Agent) error {
			if _, err := g.series(s, "s", successEvery, g.account); !errors.Is(err, errShutOut) {
				t.Errorf("%s: %v", test.name, err)
			}
			return nil
		})
		if got := strings.Join(typed, ", "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if last := said.Guessed[len(said.Guessed)-1]; (last.Trouble == "") != test.held || last.Limited() != test.held {
			t.Errorf("%s: %+v", test.name, last)
		}
	}
}

// TestControlsOfTricks: right before a trick comes a guess without it.
func TestControlsOfTricks(t *testing.T) {
	_, typed := guess(t, &people{}, func(g *guesser, s useragent.Agent) error {
		d, err := g.right()
		if err != nil {
			return err
		}
		g.stillHeld(s, labels.Spelling, d, g.account)
		g.guess(s, labels.Join(labels.Trick, labels.Spelling), d, d.userCode, g.account)
		return nil
	})
	if got := strings.Join(typed, ", "); got != "control/spelling: wrong code rejected x1, trick/spelling: right at decision x1" {
		t.Error(got)
	}
}

// TestGuessersStop: an interrupted run, or one without codes, ends the guessing.
func TestGuessersStop(t *testing.T) {
	by := &people{takes: time.Second}
	g := &telling{by: by, stop: 2500 * time.Millisecond, act: func(c *conversation) error {
		s, err := c.person()
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = (&guesser{conversation: c}).series(s, "s", 0, nil)
		return err
	}}
	if said := g.one(t, transcript.Guessing); said.Aborted != errInterrupted.Error() || len(said.Guessed) != 3 {
		t.Errorf("%q after %d guesses", said.Aborted, len(said.Guessed))
	}
	g = &telling{environment: func(e *Environment) { e.Driver, e.NoDriver = nil, "none here" }}
	if said := g.one(t, transcript.Guessing); said.Aborted != "no user agent: none here" || len(said.Exchanges) > 0 {
		t.Errorf("%q", said.Aborted)
	}
}

// TestAddressOfTheGuesser: only a target on this machine can be reached from a
// second address of it.
func TestAddressOfTheGuesser(t *testing.T) {
	for _, endpoint := range []string{"https://idp.example/device", "http://192.0.2.1/device", "http://[::1]:80/device", "\x00", ""} {
		if got := addressFor(endpoint); got != "" {
			t.Errorf("%q from %q", endpoint, got)
		}
	}
}

// TestClippedText: what a page said is bounded, and stays text.
func TestClippedText(t *testing.T) {
	if got := clipText("x" + strings.Repeat("é", 200)); len(got) > 200 || strings.ToValidUTF8(got, "?") != got || len(got) < 198 {
		t.Errorf("%d bytes, %q", len(got), got)
	}
	if clipText("short") != "short" || because("") != "" || because("why") != ": why" {
		t.Error("short texts stay")
	}
}
