package report

import (
	"fmt"
	"regexp"
)

var firstSource = regexp.MustCompile(`^RFC (\d+)(?: (section|sections|appendix) ([A-Z0-9.]*[A-Z0-9]))?`)

// SourceURL returns the address of the text that a check cites: of its first
// source, or "" if that is not an RFC.
func SourceURL(source string) string {
	m := firstSource.FindStringSubmatch(source)
	if m == nil {
		return ""
	}
	url := "https://www.rfc-editor.org/rfc/rfc" + m[1]
	switch m[2] {
	case "section", "sections":
		return fmt.Sprintf("%s#section-%s", url, m[3])
	case "appendix":
		return fmt.Sprintf("%s#appendix-%s", url, m[3])
	}
	return url
}
