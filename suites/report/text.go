package report

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// What a target says must not act on who reads it. Every text of a target that
// leaves a result goes through one of these: [Visible] for pages, XML and files,
// and after it [Inert] for a terminal or a log, [InertJSON] for JSON that is
// printed, [Markdown] for Markdown. html/template and encoding/xml do the rest.

// Visible keeps the lines and tabs of a target's text and spells out all other
// control and format characters: XML and terminals cannot handle them, and a
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

// orders are what a CI service obeys in the log of a job: GitHub "::command::"
// where a line begins and "##[command]" anywhere, Azure "##vso[command]".
var orders = regexp.MustCompile(`(?m)^([ \t]*:)(:)|(##)(\[|vso\[)`)

// Inert takes the meaning from such words, and leaves them readable.
func Inert(s string) string { return orders.ReplaceAllString(s, "$1$3 $2$4") }

// InertWriter passes on what is printed for people, without such words.
type InertWriter struct{ io.Writer }

// Write implements io.Writer. What is written at once is looked at at once.
func (w InertWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, Inert(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// OneLine returns text from a target as one line for a comment or a terminal:
// at most 600 characters, without control characters.
func OneLine(s string) string {
	const longest = 600
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "..."
	}
	return s
}

// InertJSON is the same JSON without such words, and without characters that a
// terminal does not show or acts on: all of them can only stand in strings, where
// an escape means the same.
func InertJSON(text []byte) []byte {
	for order, inert := range map[string]string{"##[": `#\u0023[`, "##vso[": `#\u0023vso[`} {
		if bytes.Contains(text, []byte(order)) { // seldom, and a copy of everything
			text = bytes.ReplaceAll(text, []byte(order), []byte(inert))
		}
	}
	if !bytes.ContainsFunc(text, hidden) {
		return text
	}
	var b bytes.Buffer
	b.Grow(len(text) + 1024)
	for len(text) > 0 {
		c, size := utf8.DecodeRune(text)
		if hidden(c) {
			for _, unit := range utf16.Encode([]rune{c}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		} else {
			b.Write(text[:size])
		}
		text = text[size:]
	}
	return b.Bytes()
}

// hidden are the characters that show nothing by themselves, without the white
// space between members.
func hidden(c rune) bool { return c >= 0x7f && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) }

// Markdown escapes text from a target in Markdown: no markup, no table cell, no
// HTML, no link, no mention, on one line.
func Markdown(s string) string {
	var b strings.Builder
	for _, c := range strings.Join(strings.Fields(Visible(s)), " ") {
		switch {
		case strings.ContainsRune("\\`*_{}[]()#|!~$^=", c):
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '&':
			b.WriteString("&amp;")
		case c == '@':
			b.WriteString("@\u200b") // nobody is called by a server's text
		case c == ':':
			b.WriteString("&#58;") // a bare address would become a link
		default:
			b.WriteRune(c)
		}
	}
	return strings.ReplaceAll(b.String(), "www.", "www&#46;")
}
