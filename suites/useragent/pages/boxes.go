package pages

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Bounds on the fields that take a code in parts.
const (
	leastBoxes   = 4 // for one character each
	leastInParts = 6 // characters in longer parts
	longestPart  = 6
)

// boxes are neighboring fields that take the code in parts, nil for none: one
// character each, or a few.
func (v *finder) boxes(texts []int) []int {
	var single []int
	for _, i := range texts {
		if v.Elements[i].MaxLength == 1 {
			single = append(single, i)
		}
	}
	if len(single) >= leastBoxes {
		return single
	}
	for _, kind := range []func(first, e *Element) bool{
		func(_, e *Element) bool { return e.Narrow && e.MaxLength <= 2 },
		func(first, e *Element) bool {
			return e.MaxLength > 1 && e.MaxLength <= longestPart && e.MaxLength == first.MaxLength
		},
	} {
		for at := 0; at < len(texts); {
			end := at + 1
			first := &v.Elements[texts[at]]
			for end < len(texts) && v.Elements[texts[end]].Form == first.Form && kind(first, &v.Elements[texts[end]]) {
				end++
			}
			if run := texts[at:end]; kind(first, first) && v.takesParts(run) {
				return run
			}
			at = end
		}
	}
	return nil
}

// takesParts reports whether a run of alike fields is for the code: by their own
// words, or by those of the page where they have none.
func (v *finder) takesParts(run []int) bool {
	room := 0
	own, other := v.Title+" "+v.Text, ""
	for _, i := range run {
		e := &v.Elements[i]
		room += e.room()
		other += " · " + e.text()
	}
	first := &v.Elements[run[0]]
	if !first.Narrow {
		own = first.text()
		if own = strings.Trim(own, " ·"); own == "" {
			own = v.Text
		}
	}
	enough := first.room() == 1 && len(run) >= leastBoxes || first.room() > 1 && len(run) > 1 && room >= leastInParts
	return enough && v.password == none && codeWords.in(own) != "" && secondWord.in(other) == "" && otherCodes.in(other) == ""
}

// room is how many characters of a code a field among several takes.
func (e *Element) room() int {
	if e.Narrow {
		return 1
	}
	return max(1, e.MaxLength)
}

// Parts are what to type of a code into each of some fields: the whole into one,
// or as many characters into each of several as it has room for. A field too short
// for the separators gets none, and what stands before the fields as part of the
// page is not typed. fits is false if there are more characters than room.
func (s *Snapshot) Parts(elements []int, code string) (texts []string, fits bool) {
	bare := []rune(Unseparated(code))
	texts = make([]string, len(elements))
	if len(elements) == 1 {
		texts[0] = code
		room := s.Elements[elements[0]].MaxLength
		if room == 0 || len([]rune(code)) <= room {
			return texts, true
		}
		switch {
		case len(bare) <= room:
			texts[0] = string(bare)
		case s.paints(string(bare[:len(bare)-room])):
			texts[0] = string(bare[len(bare)-room:])
		}
		return texts, true // else the page says what it makes of it
	}
	room := 0
	for _, i := range elements {
		room += s.Elements[i].room()
	}
	if len(bare) > room && s.paints(string(bare[:len(bare)-room])) {
		bare = bare[len(bare)-room:]
	}
	fits = len(bare) <= room
	for n, i := range elements {
		take := min(s.Elements[i].room(), len(bare))
		texts[n], bare = string(bare[:take]), bare[take:]
	}
	return texts, fits
}

// paints reports whether the beginning of a code stands on the page as a word.
func (s *Snapshot) paints(prefix string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(s.Text, func(r rune) bool { return r == ' ' || r == '-' || r == '–' }), func(word string) bool {
		return strings.EqualFold(word, prefix)
	})
}

// digits are what differs between the labels and ids of boxes.
var digits = regexp.MustCompile(`[0-9]+`)

// several is how a profile finds some fields and no others. A selector goes before
// labels, since it tells the page, too.
func (s *Snapshot) several(found []int) (e transcript.Element, ok bool) {
	first := &s.Elements[found[0]]
	label := first.Label
	if label == "" {
		label = first.Placeholder
	}
	exactly := func(l *profiles.Locator, is func(e *Element) bool) bool {
		if l != nil {
			return slices.Equal(find(l, s), found)
		}
		var those []int
		for i := range s.Elements {
			if e := &s.Elements[i]; e.usable() && is(e) {
				those = append(those, i)
			}
		}
		return slices.Equal(those, found)
	}
	id := digits.ReplaceAllString(first.ID, "")
	pattern := "^" + digits.ReplaceAllString(regexp.QuoteMeta(label), "[0-9]+") + "$"
	switch {
	case first.Name != "" && exactly(nil, func(e *Element) bool { return e.Name == first.Name }):
		return transcript.Element{Name: first.Name}, true
	case first.MaxLength == 1 && exactly(nil, func(e *Element) bool { return e.MaxLength == 1 }):
		return transcript.Element{CSS: `input[maxlength="1"]`}, true
	case id != "" && strings.HasPrefix(first.ID, id) && exactly(nil, func(e *Element) bool { return strings.HasPrefix(e.ID, id) }):
		return transcript.Element{CSS: `input[id^="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(id) + `"]`}, true
	case first.MaxLength > 1 && exactly(nil, func(e *Element) bool { return e.MaxLength == first.MaxLength }):
		return transcript.Element{CSS: `input[maxlength="` + strconv.Itoa(first.MaxLength) + `"]`}, true
	case label != "" && exactly(&profiles.Locator{Label: pattern}, nil):
		return transcript.Element{Pattern: pattern}, true
	case exactly(&profiles.Locator{Label: "^$"}, nil):
		return transcript.Element{Pattern: "^$"}, true
	}
	return transcript.Element{}, false
}
