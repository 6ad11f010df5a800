package suites

import (
	"testing"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// TestLockout: the run says what its guessing set off, and for how long.
func TestLockout(t *testing.T) {
	guess := func(series string, at float64, status int) transcript.Guess {
		return transcript.Guess{Series: series, AtMS: at, Status: status, Outcome: transcript.CodeRejected, Text: "no"}
	}
	for name, test := range map[string]struct {
		guesses []transcript.Guess
		want    string
	}{
		"no limit": {[]transcript.Guess{guess("logged in", 10, 400), guess("logged in", 20, 400)}, ""},
		"it ended": {[]transcript.Guess{guess("logged in", 10, 400), guess("logged in", 1000, 429), guess("logged in, waiting", 63000, 400)},
			`the guessing of user codes, last of all, set off a limit after 1 wrong codes (status 429, "no"), for 1m2s`},
		"it still holds": {[]transcript.Guess{guess("anonymous", 1000, 429), guess("anonymous", 4000, 429), guess("new cookies", 5000, 400)},
			`the guessing of user codes, last of all, set off a limit after 0 wrong codes (status 429, "no"), for at least 3s: it still held when the guessing ended`},
		"nobody guessed": {nil, ""},
	} {
		said := []report.Scenario{report.NewScenario(transcript.Transcript{Scenario: transcript.Guessing, Guessed: test.guesses})}
		if got := lockout(said); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestForgotten: codes that the server lost to later ones are no fault of this
// machine, and the run says so once.
func TestForgotten(t *testing.T) {
	lost := []transcript.Late{{Kind: transcript.LateForgotten, What: "token/1: gone"}}
	said := []report.Scenario{
		report.NewScenario(transcript.Transcript{Scenario: transcript.Approval, Again: lost}),
		report.NewScenario(transcript.Transcript{Scenario: transcript.Denial}),
	}
	// Whether it was lost to later ones shows only when the scenario ran alone.
	said = append(said, report.NewScenario(transcript.Transcript{Scenario: transcript.SteadyPolling, Late: lost}))
	want := "the server keeps only so many pending codes and lost some of this run's to later ones (approval, token/1: gone); scenarios that met this were repeated alone: 1"
	if got := forgotten(said); got != want || forgotten(said[1:]) != "" {
		t.Errorf("%q, want %q", got, want)
	}
}
