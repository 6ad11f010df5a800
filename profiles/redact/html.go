package redact

import (
	"strings"

	"golang.org/x/net/html"
)

// addresses are the attributes that hold a URL.
var addresses = map[string]bool{"href": true, "src": true, "action": true, "formaction": true, "data": true, "poster": true}

// html redacts a page: the values of secret fields, addresses by their members,
// and everything else as text. A tag in which nothing changes stays as it is.
func (w walk) html(s string, depth int) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		kind := z.Next()
		raw := string(z.Raw())
		switch kind {
		case html.ErrorToken: // the end: reading from memory does not fail
			b.WriteString(w.unfinished(raw))
			return b.String()
		case html.StartTagToken, html.SelfClosingTagToken:
			b.WriteString(w.tag(raw, z, kind == html.SelfClosingTagToken, depth))
		default:
			b.WriteString(w.loose(raw))
		}
	}
}

// unfinished redacts a tag that was cut off: its last attribute may be a secret's.
func (w walk) unfinished(raw string) string {
	if !strings.HasPrefix(raw, "<") {
		return w.loose(raw)
	}
	for _, end := range []string{">", "\">", "'>"} {
		z := html.NewTokenizer(strings.NewReader(raw + end))
		kind := z.Next()
		if whole := string(z.Raw()); whole != raw+end || kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if out := w.tag(raw+end, z, false, 0); out != w.text(raw+end) {
			return out
		}
		break
	}
	return w.loose(raw)
}

// tag is a start tag with its attributes redacted.
func (w walk) tag(raw string, z *html.Tokenizer, selfClosing bool, depth int) string {
	var list []html.Attribute
	name, more := z.TagName()
	element := string(name)
	secret := false
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		a := html.Attribute{Key: string(key), Val: string(value)}
		list = append(list, a)
		secret = secret || (a.Key == "name" || a.Key == "id") && w.r.secretName(a.Val) || a.Key == "type" && strings.EqualFold(a.Val, "password")
	}
	changed := false
	for i, a := range list {
		switch {
		case secret && (a.Key == "value" || a.Key == "content"):
			list[i].Val = w.secret(a.Val)
		case addresses[a.Key]:
			list[i].Val = w.url(a.Val, depth+1)
		default:
			list[i].Val = w.content(a.Val, depth+1)
		}
		changed = changed || list[i].Val != a.Val
	}
	if !changed {
		return w.text(raw)
	}
	var b strings.Builder
	b.WriteString("<" + element)
	for _, a := range list {
		b.WriteString(" " + a.Key + `="` + html.EscapeString(a.Val) + `"`)
	}
	if selfClosing {
		b.WriteString("/")
	}
	b.WriteString(">")
	return w.text(b.String())
}
