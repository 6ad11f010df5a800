package page

import (
	"fmt"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
)

// cleaned is a copy of what the page shows whose texts can all be shown, none
// longer than most bytes.
func cleaned[T any](v T, most int) T {
	return report.Each(v, func(s string) string { return report.Visible(clip(s, most)) })
}

// clip bounds a text and says how much is missing.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s … (%d more bytes in result.json)", strings.ToValidUTF8(s[:most], ""), len(s)-most)
}
