package report

import (
	"strconv"
	"strings"
	"unicode"
)

// Visible keeps lines and tabs of a target's text and spells out all other
// control and format characters: XML and terminals do not bear them, and a
// change of direction makes one value look like another.
func Visible(s string) string {
	if plain(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	for _, c := range s {
		switch {
		case c == '\n' || c == '\t':
			b.WriteRune(c)
		case unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c == '\u2028' || c == '\u2029' || c >= 0xfffe && c <= 0xffff:
			hex := strconv.FormatUint(uint64(c), 16)
			b.WriteString(`\u` + "0000"[min(len(hex), 4):] + hex)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// plain says that a text has nothing to spell out: nearly all have not.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' || c > '~') && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}
