package useragent

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == name {
			return true
		}
	}
	return false
}

// unseen are elements whose content is never shown.
func unseen(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Head, atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Title, atom.Datalist, atom.Iframe, atom.Object:
		return true
	case atom.Dialog, atom.Details:
		return n.DataAtom == atom.Dialog && !has(n, "open")
	case atom.Input:
		return typeOf(n) == "hidden"
	}
	if has(n, "hidden") {
		return true
	}
	style := strings.ToLower(strings.ReplaceAll(attr(n, "style"), " ", ""))
	if strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") {
		return true
	}
	for _, class := range strings.Fields(attr(n, "class")) {
		switch class {
		case "hidden", "d-none", "hide", "is-hidden":
			return true
		}
	}
	return false
}

// visible guesses from the markup alone whether an element is shown.
func visible(n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n.Type == html.ElementNode && unseen(n) {
			return false
		}
	}
	return true
}

// enabled follows disabled fieldsets, too.
func enabled(n *html.Node) bool {
	if has(n, "disabled") || attr(n, "aria-disabled") == "true" {
		return false
	}
	for p := n.Parent; p != nil; p = p.Parent {
		if p.DataAtom == atom.Fieldset && has(p, "disabled") {
			return false
		}
	}
	return true
}

// textOf is the visible text below a node, bounded.
func textOf(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if b.Len() > 2*pages.MaxText {
			return
		}
		switch n.Type {
		case html.TextNode:
			b.WriteString(n.Data)
		case html.ElementNode, html.DocumentNode:
			if n.Type == html.ElementNode && unseen(n) {
				return
			}
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				walk(c)
			}
			if !inline(n) {
				b.WriteByte(' ')
			}
		}
	}
	walk(n)
	return pages.Tidy(b.String(), pages.MaxText)
}

func inline(n *html.Node) bool {
	switch n.DataAtom {
	case atom.B, atom.I, atom.Em, atom.Strong, atom.Span, atom.Code, atom.Kbd, atom.Small, atom.Mark, atom.A:
		return true
	}
	return false
}

// rawText is the text of an element whose content is only text.
func rawText(n *html.Node) string {
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// isAlert says that an element reports an error, by its role or its class.
func isAlert(n *html.Node) bool {
	if n.Type != html.ElementNode || kindOf(n) != pages.Other {
		return false
	}
	if r := attr(n, "role"); r == "alert" || attr(n, "aria-live") == "assertive" {
		return true
	}
	switch n.DataAtom {
	case atom.Html, atom.Body, atom.Form, atom.Main, atom.Link, atom.Label, atom.I, atom.Svg:
		return false
	}
	for _, name := range strings.FieldsFunc(strings.ToLower(attr(n, "class")+" "+attr(n, "id")), func(r rune) bool { return !(r >= 'a' && r <= 'z') }) {
		switch name {
		case "error", "errors", "alert", "danger", "invalid", "negative", "warning", "red", "err":
			return true
		}
	}
	return false
}
