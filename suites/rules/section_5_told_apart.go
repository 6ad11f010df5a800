package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

const (
	// apartVisits is how many visits of each kind a comparison of times needs.
	apartVisits = 3
	// apartMS is what lies at least between the times of two kinds of codes, beside
	// a factor of growth: a browser alone varies by less.
	apartMS = 100
)

// dead is one kind of user code that a page should reject: a visit for each answer.
type dead struct {
	kind   string
	visits []transcript.Journey
}

// toldApart measures whether the page tells a guesser which codes exist or existed:
// what it says of codes that were never issued, have expired, or were used. No text
// asks for one answer to all of them, and an end user is better off with a reason.
func (j *judging) toldApart() {
	kinds := j.deadCodes()
	if len(kinds) > 1 {
		var said []string
		answers := map[string]bool{}
		for _, k := range kinds {
			answer := k.answers()
			answers[answer] = true
			said = append(said, k.kind+": "+answer)
		}
		if len(answers) > 1 {
			j.note("codes-told-apart", "the page tells a guesser which codes existed: "+strings.Join(said, "; "))
		} else {
			var names []string
			for _, k := range kinds {
				names = append(names, k.kind)
			}
			j.note("codes-answered-alike", fmt.Sprintf("the page answers these codes alike, so it does not tell a guesser which existed: %s", strings.Join(names, ", ")))
		}
	}
	j.timedApart(kinds)
	j.pendingTold()
}

// deadCodes are the visits in which the first end user entered codes of no use, all
// logged in as the same one, so that only the code makes the pages differ.
func (j *judging) deadCodes() (kinds []dead) {
	add := func(kind, scenario string, names ...string) {
		k := dead{kind: kind}
		for _, name := range names {
			visit, ok := j.Transcripts[scenario].Journey(name)
			answer := answerTo(visit)
			ignored := endOf[name] != "" && answer == leadsOn // it is the right code to this server
			if ok && j.isDead(scenario, visit) && answer != "" && !ignored {
				k.visits = append(k.visits, visit)
			}
		}
		if len(k.visits) > 0 {
			kinds = append(kinds, k)
		}
	}
	add("never issued", transcript.WrongUserCodes, labels.NeverIssued, labels.FirstChanged, labels.LastChanged)
	add("expired", transcript.Expiry, labels.Entered)
	var used []string
	for _, part := range []string{labels.Uncollected, labels.Collected, labels.Denied} {
		used = append(used, labels.Of(part, labels.Other))
	}
	add("used", transcript.DecidedCodes, used...)
	return kinds
}

// answers are the different ones that codes of a kind got.
func (d dead) answers() string {
	var list []string
	for _, visit := range d.visits {
		list = append(list, answerTo(visit))
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " or ")
}

// isDead says that the code of a visit was of no use when the visit began: it had
// expired, or somebody had decided about it.
func (j *judging) isDead(scenario string, visit transcript.Journey) bool {
	switch scenario {
	case transcript.Expiry:
		quiet := judging{Evidence: j.Evidence}
		l, ok := quiet.lifeOf(visit.Name)
		return ok && visit.Started >= l.over
	case transcript.DecidedCodes:
		first, _ := j.Transcripts[scenario].Journey(strings.TrimSuffix(visit.Name, labels.Other) + labels.First)
		return first.Decided && first.Started < visit.Started
	}
	return true
}

// leadsOn is the answer to a code that the page takes for a good one.
const leadsOn = "it leads on"

// answerTo is what the page said of the code that was typed in a visit, as a reader
// compares it: its words without the code itself, and its status. "" is unknown.
func answerTo(visit transcript.Journey) string {
	if seesNoPages(visit) || !visit.CodeTyped || len(visit.Steps) == 0 {
		return ""
	}
	last := visit.Steps[len(visit.Steps)-1]
	switch visit.Outcome {
	case transcript.Approved, transcript.AtDecision, transcript.NoWayToDeny:
		return leadsOn
	case transcript.CodeRejected, transcript.ErrorPage:
	case transcript.Unfinished:
		if visit.Trouble == nil || visit.Trouble.Class != transcript.Loop || last.Alert == "" {
			return ""
		}
	default:
		return ""
	}
	if last.Limited() || visit.Decided {
		return ""
	}
	words := cmp.Or(last.Alert, last.Text)
	for _, code := range []string{visit.TypedCode, bare(visit.TypedCode)} {
		if code != "" {
			words = strings.ReplaceAll(words, code, "…")
		}
	}
	words = strings.Join(strings.FieldsFunc(words, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsDigit(r) }), " ")
	answer := fmt.Sprintf("%q", clip(words))
	if last.Status != 0 {
		answer = fmt.Sprintf("%d %s", last.Status, answer)
	}
	return answer
}

// timedApart compares how long the page took: only where every visit of one kind took
// much longer than each of the other.
func (j *judging) timedApart(kinds []dead) {
	took := func(k dead) (fastest, slowest float64) {
		var all []float64
		for _, visit := range k.visits {
			all = append(all, visit.Steps[len(visit.Steps)-1].TookMS)
		}
		return slices.Min(all), slices.Max(all)
	}
	for i, a := range kinds {
		for _, b := range kinds[i+1:] {
			if len(a.visits) < apartVisits || len(b.visits) < apartVisits {
				continue
			}
			slow, fast := a, b
			from, _ := took(slow)
			_, to := took(fast)
			if from < to {
				slow, fast = b, a
				from, _ = took(slow)
				_, to = took(fast)
			}
			if from > growth*to && from-to > apartMS {
				j.note("codes-told-apart-by-time", fmt.Sprintf("the page takes at least %.0f ms for codes that are %s, and at most %.0f ms for those that are %s", from, slow.kind, to, fast.kind))
			}
		}
	}
}

// pendingTold notes that nobody has to log in to find out which codes are pending.
func (j *judging) pendingTold() {
	right, wrong := false, false
	for _, name := range []string{labels.Anonymous, labels.InARow(labels.Anonymous)} {
		for _, g := range j.Transcripts[transcript.Guessing].Guesses(name) {
			right = right || g.Right && g.Accepted()
			wrong = wrong || !g.Right && lookedAt(g)
		}
	}
	if right && wrong {
		j.note("pending-without-login", "the page tells which codes are pending before anybody logs in: a guesser needs no account")
	}
}
