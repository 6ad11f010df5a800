package report

import (
	"fmt"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/suites/report"
)

// maxText bounds each text of a report, in characters. What is longer stands in
// load.json as a whole.
const maxText = 2000

// cleaned is a copy of the result whose texts can all be shown. The plan in JSON
// is cleaned when it is shown.
func cleaned(r loadgen.Result) loadgen.Result { return report.Each(r, cleanedText) }

// cleanedText bounds a text and makes visible what would hide in it or turn it
// around. The bound comes first: the rest may be megabytes.
func cleanedText(s string) string {
	cut, left := bounded(s, maxText)
	s = report.Visible(cut)
	if left > 0 {
		s += fmt.Sprintf("… (%s bytes more)", count(left))
	}
	return s
}

// bounded is the beginning of s, of at most limit characters, and how many
// bytes follow.
func bounded(s string, limit int) (string, int) {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i], len(s) - i
		}
		n++
	}
	return s, 0
}
