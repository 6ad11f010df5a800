package suites

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// SelectorError is a selector that selects nothing.
type SelectorError struct{ Selector, Hint string }

func (e *SelectorError) Error() string {
	return fmt.Sprintf("the selector %q matches nothing: %s", e.Selector, e.Hint)
}

// Select returns the requirements that the selectors and the level choose, in
// the order of the catalog. A selector is an id (POLL-05), a pattern (POLL-*),
// a section (3.5), or a label (@must, @should, @person, @browser, @slow, @d2,
// ...); a leading "!" excludes. Selectors add up; if all of them exclude, they
// start from the whole catalog.
func Select(selectors []string, level string) ([]rules.Requirement, error) {
	inLevel, err := levelFilter(level)
	if err != nil {
		return nil, err
	}
	var add, remove []string
	for _, s := range selectors {
		name, negated := strings.CutPrefix(s, "!")
		if !slices.ContainsFunc(rules.Catalogue(), func(r rules.Requirement) bool { return matches(r, name) }) {
			return nil, &SelectorError{s, hint(name)}
		}
		if negated {
			remove = append(remove, name)
		} else {
			add = append(add, name)
		}
	}
	var chosen []rules.Requirement
	for _, r := range rules.Catalogue() {
		matched := func(name string) bool { return matches(r, name) }
		if inLevel(r) && (len(add) == 0 || slices.ContainsFunc(add, matched)) && !slices.ContainsFunc(remove, matched) {
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 {
		return nil, &SelectorError{strings.Join(selectors, " "), "the selection is empty"}
	}
	return chosen, nil
}

func levelFilter(level string) (func(rules.Requirement) bool, error) {
	must := []rules.Level{rules.Must, rules.Defined, rules.Implied}
	switch level {
	case "", "all":
		return func(rules.Requirement) bool { return true }, nil
	case "must":
		return func(r rules.Requirement) bool { return slices.Contains(must, r.Level) }, nil
	case "should":
		return func(r rules.Requirement) bool { return r.Level == rules.Should || slices.Contains(must, r.Level) }, nil
	}
	return nil, fmt.Errorf("unknown level %q: use must, should or all", level)
}

func matches(r rules.Requirement, name string) bool {
	if label, ok := strings.CutPrefix(name, "@"); ok {
		return slices.Contains(labels(r), strings.ToLower(label))
	}
	if r.Section == name || strings.HasPrefix(r.Section, name+".") {
		return true
	}
	ok, err := path.Match(strings.ToUpper(name), r.ID)
	return ok && err == nil
}

// labels are a requirement's labels for selectors and for Ginkgo, which allows
// none of & | ! , ( ) / in them.
func labels(r rules.Requirement) []string {
	list := []string{strings.ToLower(string(r.Level)), strings.ToLower(r.Impact)}
	list = append(list, r.Needs...)
	if r.Wants("browser") {
		list = append(list, "person")
	}
	if r.Wants("expiry") || r.Wants("interval") {
		return append(list, "slow")
	}
	return append(list, "fast")
}

// hint names the id or label that a selector resembles.
func hint(name string) string {
	var known []string
	spelled := map[string]string{}
	add := func(word string) {
		known = append(known, strings.ToUpper(word))
		spelled[strings.ToUpper(word)] = word
	}
	for _, r := range rules.Catalogue() {
		add(r.ID)
		for _, l := range labels(r) {
			add("@" + l)
		}
	}
	for _, s := range rules.Sections() {
		add(s.Number)
	}
	nearest, ok := profiles.Nearest(strings.ToUpper(name), known)
	// Another number is another check, and no slip of the finger.
	if !ok || withoutDigits(nearest) == withoutDigits(strings.ToUpper(name)) {
		return "see devicegrant list, and list --help for the labels"
	}
	return fmt.Sprintf("did you mean %s?", spelled[nearest])
}

func withoutDigits(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return -1
		}
		return c
	}, s)
}
