package rules

import (
	"slices"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// TestDeadCodesToldApart: what SEC-04 measures of unknown, expired and used codes,
// which never changes its verdict.
func TestDeadCodesToldApart(t *testing.T) {
	says := func(status int, alert string) func(*transcript.Journey) {
		return func(j *transcript.Journey) {
			last := &j.Steps[len(j.Steps)-1]
			last.Status, last.Alert, last.Text = status, alert, ""
		}
	}
	took := func(ms float64) func(*transcript.Journey) {
		return func(j *transcript.Journey) { j.Steps[len(j.Steps)-1].TookMS = ms }
	}
	repeats := func(j *transcript.Journey) { says(400, bare(j.TypedCode)+" is not valid")(j) }
	const (
		alike, apart, byTime = "codes-answered-alike", "codes-told-apart", "codes-told-apart-by-time"
		expiry, wrong        = transcript.Expiry, transcript.WrongUserCodes
	)
	slow := all(visit(decided, "uncollected other", took(900)), visit(decided, "collected other", took(900)), visit(decided, "denied other", took(900)))
	for _, c := range []struct {
		name string
		edit edit
		want []string
	}{
		{"the reference", all(), []string{alike}},
		{"expired", visit(expiry, "entered", says(400, "This code has expired")), []string{apart}},
		{"another status", visit(expiry, "entered", func(j *transcript.Journey) { j.Steps[len(j.Steps)-1].Status = 410 }), []string{apart}},
		{"one of the used", visit(decided, "denied other", says(400, "This code was denied")), []string{apart}},
		{"a used code leads on", visit(decided, "denied other", outcome(transcript.AtDecision)), []string{apart}},
		{"the code is repeated", all(
			visit(wrong, "never issued", repeats), visit(wrong, "first character changed", repeats), visit(wrong, "last character changed", repeats),
			visit(expiry, "entered", repeats),
			missing(decided, "not asked")), []string{alike}},
		{"a limit", visit(expiry, "entered", says(429, "Too many codes")), []string{alike}},
		{"nobody had denied", all(visit(decided, "denied first", func(j *transcript.Journey) { j.Decided = false }), visit(decided, "denied other", outcome(transcript.AtDecision))), []string{alike}},
		{"only wrong codes", all(missing(decided, "not asked"), missing(expiry, "not asked")), nil},
		{"slow for used codes", all(slow, visit(wrong, "first character changed", took(20)), visit(wrong, "last character changed", took(20)), visit(wrong, "never issued", took(20))), []string{alike, byTime}},
		{"slow once", all(slow, visit(wrong, "never issued", took(900))), []string{alike}},
	} {
		e := clone(recorded(t))
		c.edit(e)
		rule, _ := ForID("SEC-04")
		result := rule.Judge(e)
		var got []string
		for _, f := range result.Findings {
			if slices.Contains([]string{alike, apart, byTime}, f.Code) {
				got = append(got, f.Code)
			}
		}
		if !slices.Equal(got, c.want) || result.Verdict != Pass {
			t.Errorf("%s: %s, %q, want %q: %+v", c.name, result.Verdict, got, c.want, result.Findings)
		}
	}
}
