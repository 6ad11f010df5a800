package useragent

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// leastProse is from how many bytes a part of a page says something.
const leastProse = 20

// group is the nearest part of the page around a button that says something and
// takes no text, counted from 1; 0: none.
func (d *document) group(n *html.Node, kind pages.ElementKind) int {
	if kind != pages.Button && kind != pages.Link && kind != pages.Check {
		return 0
	}
	for p := n.Parent; p != nil && p.DataAtom != atom.Body && p.Type == html.ElementNode; p = p.Parent {
		if at := slices.Index(d.groups, p); at >= 0 {
			return at + 1
		}
		if takesText(p) {
			return 0
		}
		if len(proseOf(p)) >= leastProse {
			d.groups = append(d.groups, p)
			return len(d.groups)
		}
	}
	return 0
}

func takesText(n *html.Node) bool {
	for c := range n.Descendants() {
		if k := kindOf(c); k == pages.TextField || k == pages.Password {
			return true
		}
	}
	return false
}

// proseOf is what a part of the page says beside its buttons and links.
func proseOf(n *html.Node) string {
	text := textOf(n)
	for c := range n.Descendants() {
		if k := kindOf(c); k == pages.Button || k == pages.Link {
			if label := textOf(c); label != "" {
				text = strings.Replace(text, label, " ", 1)
			}
		}
	}
	return strings.TrimSpace(text)
}
