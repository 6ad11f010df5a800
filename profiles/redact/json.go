package redact

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// json redacts the values of JSON text and leaves every other byte: the order,
// duplicates, white space and spelling of the members are evidence. Text that is
// not quite JSON is read as far as it resembles it.
func (w walk) json(s string, depth int) string {
	var b strings.Builder
	var within []bool // for each array and object around: it is the value of a secret's name
	// named is what the last name was: that of a secret, or of something that
	// people are shown.
	var named, shown bool
	inside := func() bool { return len(within) > 0 && within[len(within)-1] }
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '"':
			end := endOfString(s, i)
			literal := s[i:end]
			i = end
			if isName(s[end:]) {
				name := decoded(literal)
				named, shown = w.r.secretName(name), shownNames[name]
				b.WriteString(rewritten(literal, w.text))
				continue
			}
			b.WriteString(rewritten(literal, func(value string) string {
				if shown {
					w.show(value)
				}
				if named || inside() && Random(value) {
					return w.secret(value)
				}
				return w.content(value, depth+1)
			}))
		case c == '{' || c == '[':
			within = append(within, named || inside())
			named, shown = false, false
			b.WriteByte(c)
			i++
		case c == '}' || c == ']' || c == ',':
			if c != ',' && len(within) > 0 {
				within = within[:len(within)-1]
			}
			named, shown = false, false
			b.WriteByte(c)
			i++
		case c == ':' || c == ' ' || c == '\t' || c == '\n' || c == '\r':
			b.WriteByte(c)
			i++
		default:
			end := len(s)
			if n := strings.IndexAny(s[i:], "\",{}[]: \t\r\n"); n >= 0 {
				end = i + n
			}
			bare := s[i:end]
			i = end
			if isName(s[end:]) { // a name without quotes, or with others
				named = w.r.secretName(strings.Trim(bare, "'`"))
				b.WriteString(w.text(bare))
				continue
			}
			switch number := json.Valid([]byte(bare)) && !isWord(bare); {
			case number && (named || w.text(bare) != bare):
				b.WriteString(w.number(bare))
			case number || isWord(bare):
				b.WriteString(bare)
			case named:
				inner := strings.Trim(bare, "'`")
				b.WriteString(strings.Replace(bare, inner, w.secret(inner), 1))
			default:
				b.WriteString(w.loose(bare))
			}
		}
	}
	return b.String()
}

// likeJSON redacts what begins like JSON. What is none is read as any text, too.
func (w walk) likeJSON(s string, depth int) string {
	out := w.json(s, depth)
	if json.Valid([]byte(strings.TrimPrefix(s, "\ufeff"))) {
		return out
	}
	return w.loose(out)
}

func isWord(s string) bool { return s == "true" || s == "false" || s == "null" }

// endOfString is where the string that begins at i ends, with its quotes.
func endOfString(s string, i int) int {
	for k := i + 1; k < len(s); k++ {
		switch s[k] {
		case '\\':
			k++
		case '"':
			return k + 1
		}
	}
	return len(s)
}

// isName says that a colon follows, so that the string before was a name.
func isName(rest string) bool { return strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n"), ":") }

// decoded is what a literal means; of one that is no JSON string, what stands in it.
func decoded(literal string) string {
	var s string
	if json.Unmarshal([]byte(literal), &s) == nil {
		return s
	}
	return strings.Trim(literal, `"`)
}

// rewritten is the literal itself unless change makes something else of its
// value. What was no JSON string before is none afterwards.
func rewritten(literal string, change func(string) string) string {
	var value string
	if utf8.ValidString(literal) && json.Unmarshal([]byte(literal), &value) == nil {
		changed := change(value)
		if changed == value {
			return literal
		}
		return quoted(changed)
	}
	inner := strings.TrimPrefix(literal, `"`)
	closed := len(literal) > 1 && strings.HasSuffix(literal, `"`)
	if closed {
		inner = strings.TrimSuffix(inner, `"`)
	}
	changed := change(inner)
	if changed == inner {
		return literal
	}
	flaw := `\q`
	if !utf8.ValidString(literal) {
		flaw = "\xff"
	}
	if closed {
		flaw += `"`
	}
	return `"` + changed + flaw
}

func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always marshals
	return strings.TrimSuffix(b.String(), "\n")
}
