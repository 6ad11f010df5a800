package pages

import (
	"strings"
	"unicode/utf8"
)

// Pages between the login and the question whether to approve. Their answers are no
// approvals and no denials.

// asksToStay reports whether the page asks if the browser is to stay logged in. A box
// for that on a page that asks something else does not count.
func (v *Sighting) asksToStay(userCode string) bool {
	if code := Bare(userCode); code != "" && strings.Contains(Bare(v.Text), code) {
		return false
	}
	if staySignedIn.in(v.Title) != "" {
		return true
	}
	text := v.Text
	for i := range v.Elements {
		if e := &v.Elements[i]; e.Kind == Check && e.Label != "" {
			text = strings.ReplaceAll(text, e.Label, " ")
		}
	}
	return staySignedIn.in(text) != "" && consentWords.in(v.Title+" "+text) == "" && deviceWords.in(v.Title+" "+text) == ""
}

// saysNo is the button or link that declines, buttons first.
func (v *Sighting) saysNo() int {
	if v.deny != none && v.Elements[v.deny].Kind == Button {
		return v.deny
	}
	for i := range v.Elements {
		if e := &v.Elements[i]; e.pressable() && laterWords.in(e.says()) != "" {
			return i
		}
	}
	return v.deny
}

// discloses is the button or link that opens the form for a password, on a page that
// offers ways to log in and shows no field yet; none if there is no such thing.
func (v *Sighting) discloses() int {
	for i := range v.Elements {
		if e := &v.Elements[i]; e.usable() && (e.Kind == TextField || e.Kind == Password) {
			return none
		}
	}
	for i := range v.Elements {
		e := &v.Elements[i]
		if e.pressable() && byPassword.in(e.says()) != "" && denyWords.in(e.says()) == "" {
			return i
		}
	}
	return none
}

// Picks reports whether the page lists accounts to choose from. See [Sighting.Pick].
func (v *Sighting) Picks() bool {
	return v.Entry == nil && pickAccount.in(v.Said()) != "" && !v.explicit && len(v.code) == 0 && v.user == none && v.password == none
}

// Pick chooses the account of a user name on a page that lists accounts, or else what
// lets another one log in.
func (v *Sighting) Pick(username string) []Act {
	return []Act{{Do: Press, find: one(func(v *Sighting) int {
		other := none
		for i := range v.Elements {
			e := &v.Elements[i]
			if !e.usable() || e.Kind != Button && e.Kind != Link || utf8.RuneCountInString(e.Label) > MaxLabel {
				continue
			}
			says := words(e.Label + " " + e.Value)
			if name := words(username); name != "  " && name != " " && strings.Contains(says, name) && strayWords.in(e.Label) == "" {
				return i
			}
			if other == none && notMe.in(says) != "" {
				other = i
			}
		}
		return other
	})}}
}
