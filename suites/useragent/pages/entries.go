package pages

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
)

// entry is one page of the profile with its patterns compiled.
type entry struct {
	page *profiles.Page
	when []condition
}

type condition struct {
	profiles.Match
	css              []string // selectors that must each match an element
	url, title, text *regexp.Regexp
}

// compile prepares the profile's pages, and lists the selectors that a
// snapshot must answer.
func compile(pages []profiles.Page) (entries []entry, queries []string, err error) {
	seen := map[string]bool{}
	ask := func(css string) {
		if css != "" && !seen[css] {
			seen[css] = true
			queries = append(queries, css)
		}
	}
	for i := range pages {
		next := entry{page: &pages[i]}
		for _, m := range pages[i].When {
			c := condition{Match: m}
			for _, css := range []string{m.CSS, byID(m.ID), byName(m.Name)} {
				if css != "" {
					c.css = append(c.css, css)
					ask(css)
				}
			}
			for _, p := range []struct {
				to   **regexp.Regexp
				expr string
			}{{&c.url, glob(m.URL)}, {&c.title, m.Title}, {&c.text, m.Text}} {
				if p.expr == "" {
					continue
				}
				if *p.to, err = regexp.Compile(p.expr); err != nil {
					return nil, nil, fmt.Errorf("page %d (%s): %w", i+1, pages[i].Role, err)
				}
			}
			next.when = append(next.when, c)
		}
		for _, actions := range [][]profiles.Action{pages[i].Do, pages[i].Approve, pages[i].Deny} {
			for _, a := range actions {
				for _, l := range []*profiles.Locator{a.Fill, a.Click, a.Check} {
					if l != nil {
						ask(selector(l))
					}
				}
			}
		}
		entries = append(entries, next)
	}
	return entries, queries, nil
}

// matches says whether one of the entry's alternatives holds, and which, or
// why the last one does not.
func (p *entry) matches(s *Snapshot) (why string, ok bool) {
	why = "no conditions"
	for _, c := range p.when {
		if why, ok = c.holds(s); ok {
			return why, true
		}
	}
	return why, false
}

func (c *condition) holds(s *Snapshot) (why string, ok bool) {
	for _, css := range c.css {
		found := s.Queries[css]
		if len(found) == 0 {
			return css + " matches nothing", false
		}
		if (c.Visible == nil || *c.Visible) && !anyVisible(s, found) {
			return css + " is not visible, or something covers it", false
		}
	}
	switch {
	case c.url != nil && !c.url.MatchString(s.URL):
		return fmt.Sprintf("the URL does not match %q", c.URL), false
	case c.title != nil && !c.title.MatchString(s.Title):
		return fmt.Sprintf("the title does not match %q", c.Title), false
	case c.text != nil && !c.text.MatchString(s.Text):
		return fmt.Sprintf("the text does not match %q", c.Text), false
	}
	return strings.Join(notEmpty(strings.Join(c.css, ", "), c.URL, c.Title, c.Text), ", "), true
}

func anyVisible(s *Snapshot, elements []int) bool {
	for _, i := range elements {
		if s.Elements[i].Visible && s.Elements[i].Under == 0 {
			return true
		}
	}
	return false
}

// find returns the elements that a locator names: those an end user can use
// before those that are hidden.
func find(l *profiles.Locator, s *Snapshot) []int {
	var found []int
	switch {
	case l.Label != "" || l.Button != "":
		pattern, err := regexp.Compile(cmp.Or(l.Label, l.Button))
		if err != nil {
			return nil
		}
		for i := range s.Elements {
			e := &s.Elements[i]
			button := e.Kind == Button || e.Kind == Link
			if e.Visible && button == (l.Button != "") && pattern.MatchString(cmp.Or(e.Label, e.Placeholder)) {
				found = append(found, i)
			}
		}
		if reached := slices.DeleteFunc(slices.Clone(found), func(i int) bool { return s.Elements[i].Under > 0 }); len(reached) > 0 {
			found = reached
		}
	default:
		all := s.Queries[selector(l)]
		for _, i := range all {
			if s.Elements[i].usable() {
				found = append(found, i)
			}
		}
		if len(found) == 0 {
			found = all
		}
	}
	if l.Nth > 0 {
		if l.Nth >= len(found) {
			return nil
		}
		return found[l.Nth:]
	}
	return found
}

// selector is the CSS selector of a locator, "" when it goes by text.
func selector(l *profiles.Locator) string {
	return cmp.Or(l.CSS, byID(l.ID), byName(l.Name))
}

// spell names a locator as the profile wrote it.
func spell(l *profiles.Locator) string {
	for _, by := range []struct{ key, value string }{
		{"css", l.CSS}, {"id", l.ID}, {"name", l.Name}, {"label", l.Label}, {"button", l.Button},
	} {
		if by.value != "" {
			return by.key + ": " + by.value
		}
	}
	return "nothing"
}

// byID and byName are attribute selectors: an id may hold a dot or a bar,
// which "#id" would misread.
func byID(id string) string     { return byAttribute("id", id) }
func byName(name string) string { return byAttribute("name", name) }

func byAttribute(attribute, value string) string {
	if value == "" {
		return ""
	}
	return "[" + attribute + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"]`
}

// glob turns a pattern with stars into a regular expression.
func glob(pattern string) string {
	if pattern == "" {
		return ""
	}
	return "^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
}

func notEmpty(words ...string) []string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}
