package redact

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/devicegrant/devicegrant/profiles"
)

// Redactor removes secrets from evidence. It is safe for concurrent use.
type Redactor struct {
	key []byte
	// off leaves everything as it is.
	off bool
	// names are the members, fields and parameters that contain a secret, in
	// the form of plainName.
	names map[string]bool
	// public values are never searched for outside of a secret's place.
	public map[string]bool

	mu sync.Mutex
	// whole are the secrets that are known to be: a string that is one of them is
	// hidden, however short it is. It and the next two are replaced, never changed.
	whole map[string]bool
	// words are those of them that do not look drawn by chance, and their usual
	// encodings. They are hidden where nothing continues them, longest first.
	words     []string
	wordMarks map[string]string
	// drawn are the values to hide wherever they stand, with their marks; cookies
	// those that only a cookie had; shown what the target shows to people.
	drawn          map[string]string
	cookies, shown map[string]bool
	// replace hides them in one pass; nil if a secret was learned since.
	replace *strings.Replacer
}

// maxValues limits how many values a hostile target can make the redactor
// search for. Values beyond it are hidden only in their own places.
const maxValues = 20_000

// shortestWord is the shortest secret of a profile that is searched for in
// texts. A shorter one would damage too much other text.
const shortestWord = 3

// New returns a redactor that knows the secrets of a profile, and the names
// under which its target sends tokens.
func New(p *profiles.Profile) *Redactor {
	r := &Redactor{key: make([]byte, 32), names: map[string]bool{}, public: map[string]bool{}, whole: map[string]bool{},
		wordMarks: map[string]string{}, drawn: map[string]string{}, cookies: map[string]bool{}, shown: map[string]bool{}}
	_, _ = rand.Read(r.key) // never fails (crypto/rand)
	for _, name := range secretNames {
		r.names[plainName(name)] = true
		if alias := p.Responses.Members[name]; alias != "" {
			r.names[plainName(alias)] = true
		}
	}
	for _, word := range protocolWords {
		r.public[word] = true
	}
	p.EachValue(func(s profiles.Secret) {
		if s.Plain() {
			r.public[s.Reveal()] = true
		}
	}, func(text string) { r.public[text] = true })
	for _, secret := range p.Secrets() {
		r.Secret(secret.Reveal())
		cut, misspelt := secret.NearMisses()
		r.Secret(misspelt)
		r.Secret(cut)
	}
	return r
}

// Secret learns a value that is known to be a secret, like those of the
// profile: it is hidden everywhere, whatever it looks like.
func (r *Redactor) Secret(value string) {
	if r.off || value == "" || r.public[value] {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.whole[value] || len(r.whole) >= maxValues {
		return
	}
	whole, marks := maps.Clone(r.whole), maps.Clone(r.wordMarks)
	whole[value] = true
	if Random(value) {
		r.drawn[value], r.replace = r.Mark(value), nil
	} else {
		words := slices.Clone(r.words)
		for _, form := range formsOf(value) {
			if _, known := marks[form]; len(form) >= shortestWord && !r.public[form] && !known {
				marks[form] = r.Mark(value)
				words = append(words, form)
			}
		}
		slices.SortFunc(words, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
		r.words, r.wordMarks = words, marks
	}
	r.whole = whole
}

// formsOf are a value and what a target makes of it in one step. Encodings of a
// text around it are found by decoding, see hideEncoded.
func formsOf(value string) []string {
	b := []byte(value)
	forms := []string{value, strings.ToUpper(value), strings.ToLower(value), backwards(value), url.QueryEscape(value), html.EscapeString(value), strings.Trim(quoted(value), `"`)}
	if len(value) >= shortestWord {
		forms = append(forms, base64.StdEncoding.EncodeToString(b), base64.RawStdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b),
			hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)))
	}
	percent, escapes := "", ""
	for _, c := range b {
		percent += fmt.Sprintf("%%%02x", c)
	}
	for _, c := range utf16.Encode([]rune(value)) {
		escapes += fmt.Sprintf(`\u%04x`, c)
	}
	return append(forms, percent, strings.ToUpper(percent), escapes, `\u`+strings.ReplaceAll(strings.ToUpper(escapes[2:]), `\U`, `\u`))
}

// None returns a redactor that changes nothing, for recordings of a throw-away
// server.
func None() *Redactor { return &Redactor{off: true} }

// Off reports whether the redactor changes nothing.
func (r *Redactor) Off() bool { return r.off }

// Mark returns what replaces a value.
func (r *Redactor) Mark(value string) string {
	if r.off {
		return value
	}
	return fmt.Sprintf("[redacted:%x]", r.mac(value)[:4])
}

func (r *Redactor) mac(value string) []byte {
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte(value))
	return mac.Sum(nil)
}

// mark finds marks, also in a text that was redacted before.
var mark = regexp.MustCompile(`\[redacted:[0-9a-f]{8}\]`)

// IsMark reports whether a value was redacted.
func IsMark(value string) bool { return mark.FindString(value) == value && value != "" }

// hide returns the mark of a value in the place of a secret. An empty value
// stays empty.
func (r *Redactor) hide(value string) string {
	if value == "" {
		return value
	}
	return r.Mark(value)
}

// learn records a value in the place of a secret, or of a cookie, if it must be
// hidden elsewhere too.
func (r *Redactor) learn(value string, cookie bool) {
	if !Random(value) || r.public[value] {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.drawn[value]
	switch {
	case !known && len(r.drawn) < maxValues:
		r.drawn[value], r.replace = r.Mark(value), nil
		if cookie {
			r.cookies[value] = true
		}
	case r.cookies[value] && !cookie:
		delete(r.cookies, value)
		r.replace = nil
	}
}

// show records a value that the target shows to end users: a cookie with the
// same value does not make it a secret.
func (r *Redactor) show(value string) {
	if !Random(value) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.shown[value] && len(r.shown) < maxValues {
		r.shown[value] = true
		r.replace = nil
	}
}

// replacer hides all that is to be hidden wherever it stands.
func (r *Redactor) replacer() *strings.Replacer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replace == nil {
		// Longest first: a secret may contain another one.
		values := slices.SortedFunc(maps.Keys(r.drawn), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
		var pairs []string
		for _, value := range values {
			if !r.shown[value] || !r.cookies[value] {
				pairs = append(pairs, value, r.drawn[value], backwards(value), r.drawn[value])
			}
		}
		r.replace = strings.NewReplacer(pairs...)
	}
	return r.replace
}

func backwards(s string) string {
	b := []rune(s)
	slices.Reverse(b)
	return string(b)
}

// numberFor stands in place of a number: another one, the same for the same number.
func (r *Redactor) numberFor(text string) string {
	return fmt.Sprint(1_000_000 + binary.BigEndian.Uint32(r.mac(text))%1_000_000)
}
