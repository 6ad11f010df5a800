package report

import (
	"fmt"

	"github.com/devicegrant/devicegrant/loadgen"
)

// judgement is the verdict in words. Mark and Word say without color what
// Class says with it.
type judgement struct {
	Class, Mark, Word, Sentence string
	Reasons                     []string
}

func judge(r loadgen.Result) judgement {
	j := judgement{Reasons: reasons(r)}
	switch r.Verdict {
	case loadgen.Held:
		j.Class, j.Mark, j.Word, j.Sentence = "good", "✓", "Pass", heldSentence(r)
	case loadgen.Missed:
		j.Class, j.Mark, j.Word, j.Sentence = "bad", "✗", "Fail", missedSentence(r)
	case loadgen.Invalid:
		j.Class, j.Mark, j.Word = "doubt", "!", "Invalid"
		j.Sentence = "The generator was late, so this run says nothing about the server, whatever its figures are."
	case loadgen.Stopped:
		j.Class, j.Mark, j.Word = "doubt", "‖", "Interrupted"
		j.Sentence = "The run was interrupted; the figures cover the part that took place."
	default:
		j.Class, j.Mark, j.Word, j.Sentence = "doubt", "?", "No verdict", "The run reached no verdict."
	}
	return j
}

func heldSentence(r loadgen.Result) string {
	switch n := len(r.Thresholds); n {
	case 0:
		return "The plan sets no thresholds, and nothing else failed."
	case 1:
		return "The one threshold held."
	default:
		return fmt.Sprintf("All %d thresholds held.", n)
	}
}

func missedSentence(r loadgen.Result) string {
	missed := 0
	for _, t := range r.Thresholds {
		if !t.OK {
			missed++
		}
	}
	thresholds := fmt.Sprintf("%d of %d thresholds missed", missed, len(r.Thresholds))
	broken := len(r.Ledger.Violations) > 0
	switch {
	case missed > 0 && broken:
		return thresholds + ", and the token ledger is broken."
	case missed > 0:
		return thresholds + "."
	case broken:
		return "The token ledger is broken."
	}
	return "The run failed."
}

// reasons are what stands against a run, the worst first.
func reasons(r loadgen.Result) []string {
	var out []string
	out = append(out, r.Validity.Reasons...)
	for _, v := range r.Ledger.Violations {
		out = append(out, fmt.Sprintf("LOAD-01: %s (%s)", v.Title, count(v.Count)))
	}
	for _, t := range r.Thresholds {
		if !t.OK {
			out = append(out, t.Text+": "+observed(t))
		}
	}
	if r.Aborted != "" {
		out = append(out, "Stopped early by a threshold: "+r.Aborted)
	}
	return out
}

// observed is what a threshold was held against.
func observed(t loadgen.ThresholdResult) string {
	if !t.Measured {
		return "there was nothing to measure"
	}
	return "observed " + t.Observed
}
