package report

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Redactor replaces sensitive values in everything that is written: the
// profile's secrets, and from the exchanges every token, device code, cookie
// and Authorization value. A value becomes "[redacted:1a2b3c4d]", where the
// mark is a MAC under a key of this run only: equal values stay recognisable
// as equal, and a mark cannot be guessed back into a password.
//
// A target that echoes a secret in a form of its own making (reversed, say)
// defeats it; the usual encodings are known.
type Redactor struct {
	key    []byte
	values map[string]string // value to mark
	// replace does all values in one pass; nil when one was learned since.
	replace *strings.Replacer
	// off leaves everything as it is.
	off bool
}

// NoRedactor leaves everything as it is, for the recording of a throw-away server.
func NoRedactor() *Redactor { return &Redactor{off: true} }

// maxValues bounds what a hostile target can make us look for. Beyond it the
// headers that carry credentials are masked as a whole.
const maxValues = 20_000

// minSecret is the shortest value that is replaced wherever it stands. A
// shorter one would tear holes into harmless text.
const minSecret = 6

// NewRedactor knows the profile's secrets.
func NewRedactor(p *profiles.Profile) *Redactor {
	r := &Redactor{key: make([]byte, 32), values: map[string]string{}}
	_, _ = rand.Read(r.key) // never fails (crypto/rand)
	for _, c := range []*profiles.Client{p.Clients.Public, p.Clients.Second, p.Clients.Confidential, p.Clients.NotAllowed, p.Clients.Reserved} {
		if c != nil && c.Secret != nil {
			r.learnSecret(c.Secret.Reveal())
			r.learn(strings.TrimPrefix(wire.BasicAuth(c.ID, c.Secret.Reveal()), "Basic "))
		}
	}
	for _, u := range []*profiles.User{p.Users.First, p.Users.Second, p.Users.Third, p.Users.Wrong} {
		if u != nil {
			r.learnSecret(u.Password.Reveal())
		}
	}
	if t := p.Tenant; t != nil {
		if c := t.Clients.Public; c != nil && c.Secret != nil {
			r.learnSecret(c.Secret.Reveal())
			r.learn(strings.TrimPrefix(wire.BasicAuth(c.ID, c.Secret.Reveal()), "Basic "))
		}
		if t.Users.First != nil {
			r.learnSecret(t.Users.First.Password.Reveal())
		}
	}
	return r
}

// learnSecret knows one of the profile's own secrets, also in the encodings in
// which a target could echo it.
func (r *Redactor) learnSecret(value string) {
	b := []byte(value)
	escaped := url.QueryEscape(value)
	r.learn(value, strings.ToLower(escaped), strings.ToUpper(value), html.EscapeString(value), hex.EncodeToString(b),
		base64.StdEncoding.EncodeToString(b), base64.RawStdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b))
}

// learn knows a value, and further forms of it under the same mark.
func (r *Redactor) learn(value string, forms ...string) {
	if len(value) < minSecret || len(r.values) >= maxValues {
		return
	}
	if _, known := r.values[value]; known && len(forms) == 0 {
		return
	}
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte(value))
	mark := "[redacted:" + hex.EncodeToString(mac.Sum(nil)[:4]) + "]"
	for _, form := range append(forms, value, url.QueryEscape(value), url.PathEscape(value), jsonInner(value)) {
		if _, known := r.values[form]; !known && form != "" {
			r.values[form] = mark
			r.replace = nil
		}
	}
}

// jsonInner is a value as it stands between the quotes of a JSON string.
func jsonInner(value string) string {
	b, _ := json.Marshal(value) // a string always marshals
	return string(b[1 : len(b)-1])
}

// sensitive are the JSON members and form parameters whose values are secret.
var sensitive = map[string]bool{
	"device_code": true, "access_token": true, "refresh_token": true, "id_token": true, "token": true,
	"client_secret": true, "password": true, "assertion": true, "client_assertion": true,
}

// sensitiveHeaders carry credentials.
var sensitiveHeaders = []string{"Authorization", "Cookie", "Set-Cookie", "Dpop"}

// Learn collects the sensitive values of a transcript. Learn from all of them
// before redacting any: a token of one conversation may turn up in another.
func (r *Redactor) Learn(t transcript.Transcript) {
	if r.off {
		return
	}
	for _, x := range t.Exchanges {
		for name, values := range x.Form() {
			for _, value := range values {
				if sensitive[name] {
					r.learn(value)
				}
			}
		}
		for _, m := range []*wire.Message{&x.Request, x.Response} {
			if m == nil {
				continue
			}
			for _, name := range sensitiveHeaders {
				for _, value := range m.Header.Values(name) {
					r.learnHeader(name, value)
				}
			}
			r.learnBody(m.Body)
		}
	}
}

// learnHeader takes the credential out of a header value and leaves the scheme
// or the cookie's name readable.
func (r *Redactor) learnHeader(name, value string) {
	switch name {
	case "Cookie", "Set-Cookie":
		for pair := range strings.SplitSeq(value, ";") {
			cookie, v, _ := strings.Cut(strings.TrimSpace(pair), "=")
			switch strings.ToLower(cookie) {
			case "path", "domain", "expires", "max-age", "samesite", "secure", "httponly", "priority", "partitioned":
			default:
				r.learn(strings.Trim(v, `"`))
			}
		}
	default:
		_, credential, ok := strings.Cut(value, " ")
		if !ok {
			credential = value
		}
		r.learn(credential)
	}
}

// named finds sensitive members and parameters wherever they stand: nested,
// form-encoded, in another case, or in JSON that does not parse.
var named = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:device_code|access_token|refresh_token|id_token|client_secret|password|authorization_code)["']?\s*[:=]\s*["']?([^"'&,;\s{}<>\[\]]{6,})`)

func (r *Redactor) learnBody(body []byte) {
	for _, found := range named.FindAllSubmatch(body, maxNamed) {
		r.learn(string(found[1]))
	}
	o, err := wire.ParseObject(body)
	if err != nil {
		return
	}
	for _, m := range o.Members {
		if !sensitive[m.Name] {
			continue
		}
		var s string
		if json.Unmarshal(m.Value, &s) == nil {
			r.learn(s)
		}
	}
}

// maxNamed bounds the values that are learned from one body.
const maxNamed = 50

// Text redacts a text.
func (r *Redactor) Text(s string) string {
	if r.off {
		return s
	}
	if r.replace == nil {
		// Longest first: a secret may contain another one.
		values := slices.SortedFunc(maps.Keys(r.values), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
		pairs := make([]string, 0, 2*len(values))
		for _, value := range values {
			pairs = append(pairs, value, r.values[value])
		}
		r.replace = strings.NewReplacer(pairs...)
	}
	return r.replace.Replace(s)
}

// Transcript returns a redacted copy.
func (r *Redactor) Transcript(t transcript.Transcript) transcript.Transcript {
	if r.off {
		return t
	}
	t = r.value(reflect.ValueOf(t)).Interface().(transcript.Transcript)
	if len(r.values) < maxValues {
		return t
	}
	// There were more secrets than are learned: no header that carries one is kept.
	for i := range t.Exchanges {
		withoutCredentials(t.Exchanges[i].Request.Header)
		if t.Exchanges[i].Response != nil {
			withoutCredentials(t.Exchanges[i].Response.Header)
		}
	}
	return t
}

func withoutCredentials(h http.Header) {
	for _, name := range sensitiveHeaders {
		for i := range h[name] {
			h[name][i] = "[redacted]"
		}
	}
}

// ours are fields that the suite words itself and finds things by. Everything
// else may hold what a target sent.
var ours = []string{"Label", "Scenario", "Name", "Series", "Method", "Page", "Driver", "Needle", "Watched", "Proto"}

// value returns a redacted copy. It goes over the whole value, so that a field
// that is added later is not forgotten.
func (r *Redactor) value(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.String:
		// A type of its own is a word of ours, such as an outcome.
		if v.Type() == reflect.TypeFor[string]() {
			out.SetString(r.Text(v.String()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			// What is not written is left alone, but for the page of a trouble.
			unwritten := f.Tag.Get("json") == "-" && f.Type.Kind() != reflect.String
			if f.IsExported() && !unwritten && (!slices.Contains(ours, f.Name) || v.Type() == reflect.TypeFor[transcript.Cookie]()) {
				out.Field(i).Set(r.value(v.Field(i)))
			}
		}
	case reflect.Slice:
		switch {
		case v.IsNil():
		case v.Type() == reflect.TypeFor[wire.Bytes]():
			out.SetBytes([]byte(r.Text(string(v.Bytes()))))
		default:
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(r.value(v.Index(i)))
			}
		}
	case reflect.Map:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for entry := v.MapRange(); entry.Next(); {
			out.SetMapIndex(entry.Key(), r.value(entry.Value()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(r.value(v.Elem()))
		}
	}
	return out
}

// Check returns a redacted copy.
func (r *Redactor) Check(c Check) Check {
	c.Reason = r.Text(c.Reason)
	c.Findings = slices.Clone(c.Findings)
	for i := range c.Findings {
		f := &c.Findings[i]
		f.Expected, f.Observed = r.Text(f.Expected), r.Text(f.Observed)
	}
	return c
}
