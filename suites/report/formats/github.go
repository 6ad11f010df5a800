package formats

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// maxAnnotations is how many of one kind GitHub shows of a step.
const maxAnnotations = 10

// Annotations writes GitHub's workflow commands: an error for each check that
// fails the run, a warning for everything else that a reader should know.
func Annotations(w io.Writer, r report.Result) error {
	var b bytes.Buffer
	shown := map[string]int{}
	rest := map[string][]string{}
	for _, c := range r.Checks {
		kind := ""
		switch o := outcomeOf(c, r.Policy); {
		case o == failed || o == errored:
			kind = "error"
		case o == noted && (c.Verdict == rules.Warn || c.Verdict == rules.Inconclusive):
			kind = "warning"
		default:
			continue
		}
		// The last place of a kind is for the sum of those that GitHub would drop.
		if shown[kind] == maxAnnotations-1 {
			rest[kind] = append(rest[kind], line(c.ID))
			continue
		}
		shown[kind]++
		file, at := place(c, r)
		said := fmt.Sprintf("%s\n%s, %s. devicegrant explain %s", inShort(c), line(c.Source), line(string(c.Level)), line(c.ID))
		fmt.Fprintf(&b, "::%s file=%s,line=%d,title=%s::%s\n", kind, commandProperty(file), at, commandProperty(fmt.Sprintf("%s %s: %s", line(c.ID), verdictWord(c.Verdict), line(c.Title))), commandData(said))
	}
	for _, kind := range []string{"error", "warning"} {
		if list := rest[kind]; len(list) > 0 {
			fmt.Fprintf(&b, "::%s title=%s::%s\n", kind, commandProperty(fmt.Sprintf("%d more checks", len(list))), commandData(strings.Join(list, ", ")))
		}
	}
	_, err := b.WriteTo(w)
	return err
}

// maxSummary is what GitHub takes as a step's summary.
const maxSummary = 1 << 20

// StepSummary writes the Markdown of a run, for $GITHUB_STEP_SUMMARY.
func StepSummary(w io.Writer, r report.Result) error {
	var b bytes.Buffer
	if err := Markdown(&b, r); err != nil {
		return err
	}
	if b.Len() > maxSummary-1024 {
		b.Truncate(maxSummary - 1024)
		whole := strings.ToValidUTF8(b.String(), "")
		b.Reset()
		fmt.Fprintf(&b, "%s\n\nTruncated: see result.json.\n", whole[:strings.LastIndexByte(whole, '\n')+1])
	}
	_, err := b.WriteTo(w)
	return err
}

// commandData escapes the message of a workflow command, which ends at a line's
// end and after which the next line could be another command.
func commandData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func commandProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
