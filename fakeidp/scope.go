package fakeidp

import (
	"slices"
	"strings"
)

// parseScope splits a scope parameter (RFC 6749 section 3.3) and drops
// repetitions. It is strict about the grammar: one space between tokens, none
// around them.
func parseScope(value string) (scopes []string, ok bool) {
	for token := range strings.SplitSeq(value, " ") {
		if !isScopeToken(token) {
			return nil, false
		}
		if !slices.Contains(scopes, token) {
			scopes = append(scopes, token)
		}
	}
	return scopes, true
}

// isScopeToken checks for the scope-token of RFC 6749 section 3.3.
func isScopeToken(s string) bool {
	return s != "" && isVisible(s) && !strings.ContainsAny(s, ` "\`)
}

// isVisible checks for *VSCHAR (RFC 6749 appendix A).
func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// subset says whether every element of part is in whole.
func subset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(s string) bool { return !slices.Contains(whole, s) })
}
