package redact

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxNesting is how deep texts inside texts are read: JSON in a JSON string in a
// form field.
const maxNesting = 5

var (
	formLike = regexp.MustCompile(`^[A-Za-z0-9_.%~+\-]+=[^\s<>"{}]*$`)
	urlLike  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.\-]*://[^\s<>"]*$`)
)

// content redacts a text by what it looks like.
func (w walk) content(s string, depth int) string {
	trimmed := strings.TrimSpace(strings.TrimPrefix(s, "\ufeff"))
	if trimmed == "" || depth > maxNesting || IsMark(trimmed) || w.r.isSecret(s) {
		return w.text(s)
	}
	switch trimmed[0] {
	case '{', '[', '"':
		return w.likeJSON(s, depth)
	case '<':
		return w.html(s, depth)
	}
	// Blanks around it change nothing of what it is.
	before, after, _ := strings.Cut(s, trimmed)
	switch {
	case urlLike.MatchString(trimmed):
		return before + w.url(trimmed, depth) + after
	case formLike.MatchString(trimmed):
		return before + w.text(w.form(trimmed, depth)) + after
	}
	return w.loose(s)
}

var (
	// pairs are a name and a value in any text; queries are those of a URL in it.
	pairs       = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_\-]{2,60})(["']?\s*[:=]\s*["']?)([^"'&,;\s{}<>\[\]\\]{6,})`)
	lettersOnly = regexp.MustCompile(`^[a-z_]+[.!?]?$`)
	queries     = regexp.MustCompile(`([?&#])([^=&#\s"'<>]{1,100})=([^&#\s"'<>\\]+)`)
)

// loose redacts a text in which names and values may stand: of a page, of a
// script, of a message.
func (w walk) loose(s string) string {
	if !strings.ContainsAny(s, "=:") {
		return w.text(s)
	}
	s = replaced(queries, s, func(m []string) (string, string, string) {
		name, err := url.QueryUnescape(m[2])
		if err != nil || !w.r.secretName(name) || IsMark(m[3]) {
			return "", "", ""
		}
		return m[1] + m[2] + "=", m[3], ""
	}, w.secret)
	s = replaced(pairs, s, func(m []string) (string, string, string) {
		// A single word such as "password" may stand before any other word, and
		// before a word nothing is certain.
		name := plainName(m[1])
		certain := len(name) > len("assertion") && !lettersOnly.MatchString(m[3]) || Random(m[3]) ||
			strings.ContainsAny(m[2][:1], `"'`) && !lettersOnly.MatchString(m[3])
		if !w.r.names[name] || !certain || w.r.public[m[3]] {
			return "", "", ""
		}
		return m[1] + m[2], m[3], ""
	}, w.secret)
	return w.text(s)
}

// replaced changes the middle of the three parts into which split takes each
// match; no middle leaves the match.
func replaced(pattern *regexp.Regexp, s string, split func(match []string) (before, middle, after string), change func(string) string) string {
	return pattern.ReplaceAllStringFunc(s, func(match string) string {
		before, middle, after := split(pattern.FindStringSubmatch(match))
		if middle == "" {
			return match
		}
		return before + change(middle) + after
	})
}

// plain hides in a text what is hidden wherever it stands.
func (r *Redactor) plain(s string) string {
	if s == "" {
		return s
	}
	if r.isSecret(s) {
		return r.Mark(s)
	}
	for _, step := range []func(string) string{r.replacer().Replace, r.hideWords, r.hideEncoded} {
		s = besideMarks(s, step)
	}
	return s
}

// besideMarks changes what stands between marks.
func besideMarks(s string, change func(string) string) string {
	if !strings.Contains(s, "[redacted:") {
		return change(s)
	}
	var b strings.Builder
	for {
		at := mark.FindStringIndex(s)
		if at == nil {
			b.WriteString(change(s))
			return b.String()
		}
		b.WriteString(change(s[:at[0]]) + s[at[0]:at[1]])
		s = s[at[1]:]
	}
}

// hideWords hides the profile's secrets that look like words, where no letter or
// digit continues them.
func (r *Redactor) hideWords(s string) string {
	words, marks := r.knownWords()
	for _, word := range words {
		if strings.Contains(s, word) {
			s = besideMarks(s, func(s string) string { return r.hideWord(s, word, marks[word]) })
		}
	}
	return s
}

func (r *Redactor) knownWords() ([]string, map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.words, r.wordMarks
}

func (r *Redactor) isSecret(s string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.whole[s]
}

func (r *Redactor) hideWord(s, word, mark string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, word)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		end := i + len(word)
		if i > 0 && continues(s[i-1], word[0]) || end < len(s) && continues(s[end], word[len(word)-1]) {
			b.WriteString(s[:i+1])
			s = s[i+1:]
			continue
		}
		b.WriteString(s[:i] + mark)
		s = s[end:]
	}
}

// continues says that a character beside the end of a word makes another word of it.
func continues(c, end byte) bool {
	return isWordByte(c) && isWordByte(end)
}

func isWordByte(c byte) bool { return c == '_' || classOf(c) >= digit }

// leastEncoded is the shortest text that is decoded to see whether a secret is
// in it.
const leastEncoded = 8

var (
	base64Runs = regexp.MustCompile(`[A-Za-z0-9+/_\-]{8,}={0,2}`)
	hexRuns    = regexp.MustCompile(`(?:[0-9a-fA-F]{2}[:\- ]?){8,}`)
	// escapedRuns hold percent, JSON or HTML escapes.
	escapedRuns = regexp.MustCompile(`[^\s"'<>&?=#,;(){}\[\]|]*(?:%[0-9a-fA-F]{2}|\\[ux]|\\/)[^\s"'<>&?=#,;(){}\[\]|]*`)
	entityRuns  = regexp.MustCompile(`[^\s"'<>]*&(?:#?[0-9A-Za-z]{1,10});[^\s"'<>]*`)
)

// hideEncoded hides what decodes to something with a secret in it.
func (r *Redactor) hideEncoded(s string) string {
	if len(s) < leastEncoded {
		return s
	}
	run := func(pattern *regexp.Regexp, decode func(string) []string) {
		s = besideMarks(s, func(s string) string {
			return pattern.ReplaceAllStringFunc(s, func(run string) string {
				for _, text := range decode(run) {
					if found := r.inside(text, maxNesting); found != "" {
						return found
					}
				}
				return run
			})
		})
	}
	if strings.ContainsAny(s, `%\`) {
		run(escapedRuns, unescaped)
	}
	if strings.Contains(s, "&") {
		run(entityRuns, func(run string) []string { return []string{html.UnescapeString(run)} })
	}
	run(base64Runs, fromBase64)
	run(hexRuns, fromHex)
	return s
}

// inside is the mark of a secret in a decoded text, "" without one. Texts in it
// are decoded in turn.
func (r *Redactor) inside(s string, depth int) string {
	if hidden := r.replacer().Replace(s); hidden != s {
		return mark.FindString(hidden)
	}
	words, marks := r.knownWords()
	for _, word := range words {
		if len(word) >= leastEncodedWord && strings.Contains(s, word) && r.hideWord(s, word, "") != s {
			return marks[word]
		}
	}
	if depth == 0 || !utf8.ValidString(s) {
		return ""
	}
	var texts []string
	if strings.ContainsAny(s, `%\`) {
		texts = append(texts, unescaped(s)...)
	}
	if len(s) < maxDecoded {
		for _, run := range base64Runs.FindAllString(s, maxRuns) {
			texts = append(texts, fromBase64(run)...)
		}
	}
	for _, text := range texts {
		if text == s {
			continue
		}
		if found := r.inside(text, depth-1); found != "" {
			return found
		}
	}
	return ""
}

const (
	// leastEncodedWord is the shortest secret of a profile that is looked for in
	// what was decoded: a shorter one turns up by chance.
	leastEncodedWord = 6
	// maxDecoded and maxRuns bound the work on texts inside decoded texts.
	maxDecoded = 16 << 10
	maxRuns    = 20
)

// unescaped are the readings of percent and JSON escapes.
func unescaped(s string) []string {
	var list []string
	if strings.Contains(s, "%") {
		list = append(list, percentDecoded(s))
	}
	if strings.Contains(s, `\`) {
		list = append(list, jsonDecoded(s))
	}
	return list
}

// percentDecoded decodes what is an escape and leaves what is none.
func percentDecoded(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// jsonDecoded decodes the escapes of JSON and of scripts, and leaves what is none.
func jsonDecoded(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		digits := map[byte]int{'u': 4, 'x': 2}[s[i]]
		if digits > 0 && i+digits < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+1+digits], 16, 32); err == nil {
				b.WriteRune(rune(c))
				i += digits
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

var urlAlphabet = strings.NewReplacer("-", "+", "_", "/")

// fromBase64 reads a run at each of the four places at which its groups can begin.
func fromBase64(run string) (list []string) {
	run = urlAlphabet.Replace(strings.TrimRight(run, "="))
	for offset := range 4 {
		if offset >= len(run) {
			break
		}
		group := run[offset:]
		if len(group)%4 == 1 {
			group = group[:len(group)-1]
		}
		if b, err := base64.RawStdEncoding.DecodeString(group); err == nil {
			list = append(list, string(b))
		}
	}
	return list
}

var hexSeparators = strings.NewReplacer(":", "", "-", "", " ", "")

func fromHex(run string) (list []string) {
	run = hexSeparators.Replace(run)
	for offset := range 2 {
		digits := run[offset:]
		if b, err := hex.DecodeString(digits[:len(digits)&^1]); err == nil {
			list = append(list, string(b))
		}
	}
	return list
}
