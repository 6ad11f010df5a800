package onboarding

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// pageOrder is the order in which entries are tried: what lies over a page comes
// before it, and a page that tells of a mistake shows the field as well.
var pageOrder = []string{"interstitial", "code_error", "login_error", "code_confirm", "code", "identifier", "password", "login", "mfa", "consent", "success", "denied", "error"}

// SuggestPages turns what the heuristics found on a journey's pages into
// entries for a profile. The entries find the same elements by id, name or
// label, so a change of the pages is noticed and not guessed around. An entry that
// would fit a page of another role as well is left out, and its role is in alike;
// but a banner may be answered wherever it shows.
func SuggestPages(j transcript.Journey) (pages []profiles.Page, alike []string) {
	for _, step := range j.Steps {
		known := slices.ContainsFunc(pages, func(p profiles.Page) bool { return p.Role == step.Page })
		page, ok := suggestPage(step)
		switch {
		case !ok || known:
		case !banner.MatchString(step.Reason) && slices.ContainsFunc(j.Steps, func(other transcript.Step) bool {
			return other.Page != step.Page && fits(page.When[0], other) && !settledBefore(page, other)
		}):
			if !slices.Contains(alike, step.Page) {
				alike = append(alike, step.Page)
			}
		default:
			pages = append(pages, page)
		}
	}
	SortPages(pages)
	return pages, alike
}

// settledBefore says that another page has an entry that is tried before this one.
func settledBefore(page profiles.Page, other transcript.Step) bool {
	_, ok := suggestPage(other)
	return ok && slices.Index(pageOrder, other.Page) < slices.Index(pageOrder, page.Role)
}

// fits says that an entry that goes by words would match a page, too. Those that go
// by an element have it from that page's form.
func fits(when profiles.Match, step transcript.Step) bool {
	if when.Text == "" && when.Title == "" {
		return false
	}
	u, err := url.Parse(step.URL)
	if err != nil || when.URL != "" && !strings.Contains(step.URL, strings.Trim(when.URL, "*")) || u.Path == "" {
		return false
	}
	matches := func(pattern, text string) bool {
		found, err := regexp.MatchString(pattern, text)
		return pattern == "" || err == nil && found
	}
	return matches(when.Text, step.Text) && matches(when.Title, step.Title)
}

// SortPages sorts entries into the order in which they must be tried.
func SortPages(pages []profiles.Page) {
	slices.SortStableFunc(pages, func(a, b profiles.Page) int {
		return slices.Index(pageOrder, a.Role) - slices.Index(pageOrder, b.Role)
	})
}

// suggestPage is the entry for one page; false for one that the profile has, and
// for one that nothing tells apart.
func suggestPage(step transcript.Step) (profiles.Page, bool) {
	page := profiles.Page{Role: step.Page}
	if step.Ways == nil || !slices.Contains(pageOrder, step.Page) {
		return page, false
	}
	when := profiles.Match{}
	if u, err := url.Parse(step.URL); err == nil && u.Path != "" {
		when.URL = "*" + u.Path + "*"
	}
	var chief *transcript.Element
	for _, way := range []string{"do", "approve", "deny"} {
		for _, act := range step.Ways[way] {
			if chief == nil {
				chief = &act.Element
			}
			action := suggestAction(act)
			switch {
			case strings.HasSuffix(step.Page, "_error"): // such a page ends a journey
			case way == "do":
				page.Do = append(page.Do, action)
			case way == "approve":
				page.Approve = append(page.Approve, action)
			case way == "deny":
				page.Deny = append(page.Deny, action)
			}
		}
	}
	switch {
	case strings.HasSuffix(step.Page, "_error") && step.Alert != "":
		when.Text = words(step.Alert)
	case chief != nil && stable(chief.ID):
		when.ID = chief.ID
	case chief != nil && chief.Name != "":
		when.Name = chief.Name
	case chief != nil && chief.CSS != "":
		when.CSS = chief.CSS
	case chief != nil && chief.Pattern != "":
		when.Title, when.Text = words(step.Title), words(step.Text)
	case banner.MatchString(step.Reason):
		when.Text = words(banner.FindStringSubmatch(step.Reason)[1])
	case step.Page == "success" || step.Page == "denied" || step.Page == "error":
		when.Text, when.Title = signal(step)
	default:
		when.Title = words(step.Title)
	}
	if page.Role == "consent" && len(page.Deny) == 0 {
		page.NoDeny = true
	}
	if banner.MatchString(step.Reason) {
		when.URL = "" // it is over whatever page is the first
	}
	page.When = []profiles.Match{when}
	return page, when.Text != "" || when.CSS != "" || when.ID != "" || when.Name != "" || when.Title != ""
}

func suggestAction(act transcript.Act) profiles.Action {
	at := &profiles.Locator{}
	switch e := act.Element; {
	case e.CSS != "":
		at.CSS = e.CSS
	case e.Pattern != "":
		at.Label = e.Pattern
	case stable(e.ID):
		at.ID = e.ID
	case e.Button:
		at.Button = "^" + regexp.QuoteMeta(e.Label) + "$"
	case e.Name != "":
		at.Name = e.Name
	default:
		at.Label = "^" + regexp.QuoteMeta(e.Label) + "$"
	}
	if act.Do == "fill" {
		return profiles.Action{Fill: at, With: act.With, All: act.All, Optional: act.Optional}
	}
	return profiles.Action{Click: at, Optional: act.Optional}
}

// stable says that an id does not look as if it was made up for this page view.
func stable(id string) bool {
	digits := 0
	for _, c := range id {
		if unicode.IsDigit(c) {
			digits++
		}
	}
	return id != "" && digits < 4
}

// words are the first words of a text, as a regular expression: enough to know
// the page by, and little that names a client or an end user.
func words(text string) string {
	fields := strings.Fields(text)
	return regexp.QuoteMeta(strings.Join(fields[:min(len(fields), 2)], " "))
}

// reason is how the heuristics tell the words that they went by.
var reason = regexp.MustCompile(`^the text says "([^"]+)"$`)

// banner is how they tell what a cookie banner says.
var banner = regexp.MustCompile(`^a cookie banner covers the page: "([^"]+)"$`)

// signal is the word by which a page that tells the end was recognized, with the
// one before it, which may be a "not": the first words of such pages are often the
// same whatever the end was. It is in the text, or else in the title.
func signal(step transcript.Step) (text, title string) {
	found := reason.FindStringSubmatch(step.Reason)
	if found == nil {
		return "", ""
	}
	said := strings.ReplaceAll(regexp.QuoteMeta(found[1]), " ", `\W+`)
	if r, _ := utf8.DecodeRuneInString(said); r < utf8.RuneSelf {
		said = `\b` + said // which knows ASCII letters only
	}
	pattern := regexp.MustCompile(`(?i)(?:[\p{L}]+\s+)?` + said)
	if hit := pattern.FindString(step.Text); hit != "" {
		return regexp.QuoteMeta(hit), ""
	}
	return "", regexp.QuoteMeta(pattern.FindString(step.Title))
}

// PagesYAML returns entries of verification.pages as YAML, to paste into a
// profile. JSON strings are valid YAML.
func PagesYAML(pages []profiles.Page) string {
	var b strings.Builder
	flow := func(pairs ...string) string {
		var parts []string
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				value, _ := json.Marshal(pairs[i+1]) // a string always marshals
				// A variable it is not.
				parts = append(parts, pairs[i]+": "+strings.ReplaceAll(string(value), "${", "$${"))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	locator := func(l *profiles.Locator) string {
		return flow("css", l.CSS, "id", l.ID, "name", l.Name, "label", l.Label, "button", l.Button)
	}
	for _, p := range pages {
		m := p.When[0]
		fmt.Fprintf(&b, "    - role: %s\n      when: %s\n", p.Role, flow("url", m.URL, "css", m.CSS, "id", m.ID, "name", m.Name, "title", m.Title, "text", m.Text))
		for _, way := range []struct {
			name    string
			actions []profiles.Action
		}{{"do", p.Do}, {"approve", p.Approve}, {"deny", p.Deny}} {
			if len(way.actions) == 0 {
				continue
			}
			fmt.Fprintf(&b, "      %s:\n", way.name)
			for _, a := range way.actions {
				options := ""
				if a.All {
					options = ", all: true"
				}
				if a.Optional {
					options += ", optional: true"
				}
				if a.Fill != nil {
					fmt.Fprintf(&b, "        - {fill: %s, with: %s%s}\n", locator(a.Fill), a.With, options)
				} else {
					fmt.Fprintf(&b, "        - {click: %s%s}\n", locator(a.Click), options)
				}
			}
		}
		if p.NoDeny {
			b.WriteString("      no_deny: true\n")
		}
	}
	return b.String()
}
