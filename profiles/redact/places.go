package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// credentialHeaders carry one credential, behind the name of its scheme or alone.
var credentialHeaders = []string{"Authorization", "Proxy-Authorization", "Dpop", "X-Api-Key", "Api-Key", "X-Auth-Token", "X-Access-Token"}

// Header returns a redacted copy.
func (r *Redactor) Header(h http.Header) http.Header {
	if r.off || h == nil {
		return h
	}
	return r.masking().header(h)
}

// URL redacts the parameters of a query and of a fragment, and the rest as
// text.
func (r *Redactor) URL(s string) string {
	if r.off {
		return s
	}
	return r.masking().url(s, 0)
}

// Body redacts the body of a request or a response, or a page: JSON, a form,
// HTML or any text, whichever it looks like.
func (r *Redactor) Body(b []byte) []byte {
	if r.off || b == nil {
		return b
	}
	return []byte(r.masking().content(string(b), 0))
}

// Content is Body for a string: the text of a page or an error message.
func (r *Redactor) Content(s string) string {
	if r.off {
		return s
	}
	return r.masking().content(s, 0)
}

// Tree redacts the strings of a JSON document that devicegrant wrote, as text;
// its members and its structure stay.
func (r *Redactor) Tree(document json.RawMessage) (json.RawMessage, error) {
	if r.off {
		return document, nil
	}
	var tree any
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("redacting a document: %w", err)
	}
	return json.Marshal(r.leaves(tree))
}

func (r *Redactor) leaves(tree any) any {
	switch v := tree.(type) {
	case string:
		return r.Text(v)
	case []any:
		for i := range v {
			v[i] = r.leaves(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = r.leaves(v[key])
		}
	}
	return tree
}

// Stranger redacts text that may contain secrets that were not learned, because
// there were too many: besides what Content hides, everything that looks
// random, and long runs of escapes.
func (r *Redactor) Stranger(s string) string {
	if r.off {
		return s
	}
	s = r.Content(s)
	for _, pattern := range []*regexp.Regexp{tokens, escapes} {
		s = besideMarks(s, func(s string) string {
			return pattern.ReplaceAllStringFunc(s, func(run string) string {
				if pattern == tokens && !Random(run) {
					return run
				}
				return r.Mark(run)
			})
		})
	}
	return s
}

var (
	tokens  = regexp.MustCompile(`[A-Za-z0-9._~+/=\-]{16,}`)
	escapes = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2}|\\+u[0-9A-Fa-f]{4}){8,}`)
)

// Text redacts text that devicegrant wrote, which may quote anything.
func (r *Redactor) Text(s string) string {
	if r.off {
		return s
	}
	return r.masking().text(s)
}

// Learn records the secrets in a message. Learn from all messages before
// redacting any: a token of one may occur in another.
func (r *Redactor) Learn(h http.Header, body []byte) {
	if r.off {
		return
	}
	w := r.learning()
	w.header(h)
	w.content(string(body), 0)
}

// Cookie records the value of a cookie that a page set.
func (r *Redactor) Cookie(value string) {
	if !r.off {
		r.learn(value, true)
	}
}

// LearnOurs records the values in a request of devicegrant that no target
// chose: a client's secret, even a deliberately wrong one.
func (r *Redactor) LearnOurs(body []byte) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return
	}
	for _, name := range []string{"client_secret", "password"} {
		for _, value := range values[name] {
			if len(value) >= leastOurs {
				r.Secret(value)
			}
		}
	}
}

// leastOurs is the shortest such value: what is made up may be empty, or a word.
const leastOurs = 12

// LearnURL records the secrets in a URL.
func (r *Redactor) LearnURL(s string) {
	if !r.off {
		r.learning().url(s, 0)
	}
}

// walk goes over the places of a message. secret is given the value in a
// secret's place and returns what shall stand there; text is given everything
// else.
type walk struct {
	r      *Redactor
	secret func(value string) string
	number func(text string) string
	text   func(text string) string
	// cookie is secret for the value of a cookie.
	cookie func(value string) string
	// show is told values that are for people to see.
	show func(value string)
}

func (r *Redactor) masking() walk {
	return walk{r: r, secret: r.hide, cookie: r.hide, number: r.numberFor, text: r.plain, show: func(string) {}}
}

func (r *Redactor) learning() walk {
	same := func(s string) string { return s }
	learn := func(s string) string { r.learn(s, false); return s }
	cookie := func(s string) string { r.learn(s, true); return s }
	return walk{r: r, secret: learn, cookie: cookie, number: learn, text: same, show: r.show}
}

func (w walk) header(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		list := make([]string, len(values))
		for i, value := range values {
			list[i] = w.headerValue(http.CanonicalHeaderKey(name), value)
		}
		out[name] = list
	}
	return out
}

func (w walk) headerValue(name, value string) string {
	switch {
	case name == "Cookie":
		pairs := strings.Split(value, ";")
		for i := range pairs {
			pairs[i] = w.cookiePair(pairs[i])
		}
		return strings.Join(pairs, ";")
	case name == "Set-Cookie":
		pair, attributes, more := strings.Cut(value, ";")
		pair = w.cookiePair(pair)
		if more {
			pair += ";" + w.text(attributes)
		}
		return pair
	case slices.Contains(credentialHeaders, name):
		scheme, credential, found := strings.Cut(value, " ")
		if !found {
			return w.secret(value)
		}
		return scheme + " " + w.secret(credential)
	case name == "Location", name == "Content-Location", name == "Referer":
		return w.url(value, 1)
	}
	return w.content(value, 1)
}

// cookiePair is name=value, with the quotes that may stand around the value.
func (w walk) cookiePair(pair string) string {
	name, value, found := strings.Cut(pair, "=")
	if !found {
		return w.text(pair)
	}
	inner := strings.Trim(value, `"`)
	if inner == "" {
		return pair
	}
	return w.text(name) + "=" + strings.Replace(value, inner, w.cookie(inner), 1)
}

// url redacts query and fragment by their members, and everything before as text.
func (w walk) url(s string, depth int) string {
	rest, fragment, hasFragment := strings.Cut(s, "#")
	place, query, hasQuery := strings.Cut(rest, "?")
	if scheme, after, found := strings.Cut(place, "://"); found {
		authority, path, hasPath := strings.Cut(after, "/")
		if user, password, found := strings.Cut(authority, ":"); found && strings.Contains(password, "@") {
			at := strings.LastIndexByte(password, '@')
			place = scheme + "://" + user + ":" + w.secret(password[:at]) + password[at:]
			if hasPath {
				place += "/" + path
			}
		}
	}
	out := w.text(place)
	if hasQuery {
		out += "?" + w.form(query, depth)
	}
	if hasFragment {
		out += "#" + w.form(fragment, depth)
	}
	return w.text(out)
}

// badEscape keeps a form field unreadable that was.
const badEscape = "%zz"

// form redacts application/x-www-form-urlencoded text, field by field.
func (w walk) form(s string, depth int) string {
	var b strings.Builder
	for s != "" {
		end := strings.IndexAny(s, "&;")
		field, separator, rest := s, "", ""
		if end >= 0 {
			field, separator, rest = s[:end], s[end:end+1], s[end+1:]
		}
		b.WriteString(w.field(field, depth))
		b.WriteString(separator)
		s = rest
	}
	return b.String()
}

func (w walk) field(field string, depth int) string {
	name, value, found := strings.Cut(field, "=")
	if !found || value == "" {
		return w.text(field)
	}
	plain, err := url.QueryUnescape(name)
	if err != nil {
		plain = name
	}
	decoded, err := url.QueryUnescape(value)
	switch {
	case err != nil && w.r.secretName(plain):
		return name + "=" + w.secret(value) + badEscape
	case err != nil:
		return name + "=" + w.text(value)
	case w.r.secretName(plain):
		if hidden := w.secret(decoded); hidden != decoded {
			return name + "=" + hidden
		}
		return field
	}
	if shownNames[plain] {
		w.show(decoded)
	}
	if changed := w.content(decoded, depth+1); changed != decoded {
		return name + "=" + escapeAround(changed)
	}
	return w.text(name) + "=" + value
}

// escapeAround escapes a form value and leaves the marks in it readable.
func escapeAround(s string) string {
	var b strings.Builder
	for {
		at := mark.FindStringIndex(s)
		if at == nil {
			b.WriteString(url.QueryEscape(s))
			return b.String()
		}
		b.WriteString(url.QueryEscape(s[:at[0]]) + s[at[0]:at[1]])
		s = s[at[1]:]
	}
}
