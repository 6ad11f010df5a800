package pages

import (
	"slices"
	"strings"
)

// What names and values in the markup say about a button, in whatever language its
// label is.
var (
	markedYes = list(`approve|approved|allow|accept|grant|authorize|authorise|yes|confirm|permit|agree`)
	markedNo  = list(`deny|denied|decline|reject|refuse|cancel|abort|no|disallow|block`)
	// furniture is on buttons whose values mean other things: "no" is Norwegian.
	furniture = list(`lang|language|languages|locale|locales|cookie|cookies|theme|captcha`)
)

// meaning is what the markup of a button says that it does: Approve, Deny, or "" where
// it says nothing.
func (v *finder) meaning(at int) Way {
	e := &v.Elements[at]
	if e.Kind != Button || e.Form < 0 && e.ID == "" || furniture.in(e.Name+" "+e.ID) != "" {
		return ""
	}
	value := e.Value
	if value == e.Label {
		value = "" // it is what the end user reads
	}
	named := marked(e.Name)
	// As an answer, the value is about what the name asks: abort=yes refuses.
	answer := strings.ToLower(value)
	switch {
	case named == Approve && slices.Contains([]string{"false", "0", "no", "off"}, answer):
		return Deny
	case named != "" && slices.Contains([]string{"true", "1", "yes", "on"}, answer):
		return named
	case named != "" && answer == "no", slices.Contains([]string{"false", "0", "off", "true", "1", "on"}, answer):
		return ""
	}
	if v.shared(at) {
		named = "" // buttons that share a name differ in something else
	}
	for _, way := range []Way{marked(value), named, marked(e.ID)} {
		if way != "" {
			return way
		}
	}
	return ""
}

// shared says that another button has the name of this one.
func (v *finder) shared(at int) bool {
	for i := range v.Elements {
		if other := &v.Elements[i]; i != at && other.Kind == Button && other.Name == v.Elements[at].Name {
			return true
		}
	}
	return false
}

// marked reads one name or value.
func marked(s string) Way {
	switch {
	case markedNo.in(s) != "":
		return Deny
	case markedYes.in(s) != "":
		return Approve
	}
	return ""
}
