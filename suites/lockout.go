package suites

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// lockout says in a line what limit the guessing set off and how long it lasted:
// whoever uses the server next may meet it. "" for none.
func lockout(scenarios []report.Scenario) string {
	i := slices.IndexFunc(scenarios, func(s report.Scenario) bool { return s.Transcript.Scenario == transcript.Guessing })
	if i < 0 {
		return ""
	}
	t := scenarios[i].Transcript
	wrong, first := 0, -1
	for k, g := range t.Guessed {
		if g.Limited() {
			first = k
			break
		}
		if !g.Right && g.Trouble == "" {
			wrong++
		}
	}
	if first < 0 {
		return ""
	}
	g := t.Guessed[first]
	text := fmt.Sprintf("the guessing of user codes, last of all, set off a limit after %d wrong codes (status %d, %q)", wrong, g.Status, g.Text)
	began, until := g.AtMS, g.AtMS
	for _, x := range t.Exchanges {
		if at := float64((x.Received - t.Started).Microseconds()) / 1000; x.Status == 429 {
			began, until = min(began, at), max(until, at)
		}
	}
	lasted := func() time.Duration {
		return time.Duration((until - began) * float64(time.Millisecond)).Round(100 * time.Millisecond)
	}
	who := guesser(g)
	for _, later := range t.Guessed[first+1:] {
		switch {
		case later.Limited():
			until = max(until, later.AtMS)
		case guesser(later) == who && later.Trouble == "":
			until = later.AtMS
			return fmt.Sprintf("%s, for %s", text, lasted())
		}
	}
	return fmt.Sprintf("%s, for at least %s: it still held when the guessing ended", text, lasted())
}

// guesser is who made a guess: the series of one guesser begin alike.
func guesser(g transcript.Guess) string {
	who, _, _ := strings.Cut(g.Series, ",")
	return who
}
