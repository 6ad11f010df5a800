package pages

import (
	"fmt"

	"github.com/devicegrant/devicegrant/profiles"
)

// Way is the goal of actions on a page.
type Way string

// The ways.
const (
	Onward  Way = "go on"
	Approve Way = "approve"
	Deny    Way = "deny"
)

// Deed is one kind of action on an element.
type Deed string

// The deeds.
const (
	Fill   Deed = "fill"
	Press  Deed = "click"
	Tick   Deed = "check"
	Untick Deed = "clear"
	Enter  Deed = "press Enter in" // where a form has no button
)

// Act is one action on a page. Its elements are looked up again before it is
// carried out, because filling one field may re-render the others.
type Act struct {
	Do Deed
	// With names the value of a Fill: user_code, username, password, totp.
	With string
	// Selector is the profile's locator, for the report; "" for heuristics.
	Selector string
	// Optional acts are skipped if their element is missing.
	Optional bool
	// Set are form fields that the forms driver adds when it submits the form:
	// the names of values as in With, or "=" and literal text.
	Set map[string]string

	find func(*Sighting) []int
}

// Find returns the act's elements on a page, as indices of Snapshot.Elements.
// If a Fill has several, each gets a part of the text.
func (a *Act) Find(v *Sighting) []int { return a.find(v) }

// Describe says what the act does to an element, without any secret.
func (a *Act) Describe(v *Sighting) string {
	found := a.find(v)
	if len(found) == 0 {
		return string(a.Do)
	}
	name := v.Elements[found[0]].describe()
	if len(found) > 1 {
		name += fmt.Sprintf(" and %d more", len(found)-1)
	}
	if a.Do == Fill {
		return fmt.Sprintf("fill %s with %s", name, a.With)
	}
	return fmt.Sprintf("%s %s", a.Do, name)
}

// Acts returns the acts for a goal on a page: those of its profile entry, or
// those of the heuristics for its role. It is empty if there are none. Without
// typeCode, a code that is already in its field is submitted unchanged.
func (v *Sighting) Acts(w Way, typeCode bool) []Act {
	if v.Entry != nil {
		if acts := entryActs(v.Entry, w, typeCode); len(acts) > 0 {
			return withFills(v.Entry.HTTP, w, acts)
		}
		if w == Deny && v.Entry.NoDeny {
			return nil
		}
	}
	acts := v.guessedActs(w, typeCode)
	if v.Entry != nil {
		acts = withFills(v.Entry.HTTP, w, acts)
	}
	return acts
}

func entryActs(p *profiles.Page, w Way, typeCode bool) []Act {
	listed := p.Do
	switch w {
	case Approve:
		listed = p.Approve
	case Deny:
		listed = p.Deny
	}
	var acts []Act
	for _, a := range listed {
		if a.Fill != nil && a.With == "user_code" && !typeCode {
			continue
		}
		next := Act{With: a.With, Optional: a.Optional}
		locator := a.Fill
		switch {
		case a.Fill != nil:
			next.Do = Fill
		case a.Click != nil:
			next.Do, locator = Press, a.Click
		case a.Check != nil:
			next.Do, locator = Tick, a.Check
		}
		next.Selector = spell(locator)
		next.find = func(v *Sighting) []int {
			found := find(locator, v.Snapshot)
			if len(found) > 1 && !a.All {
				found = found[:1]
			}
			return found
		}
		acts = append(acts, next)
	}
	if last := len(acts) - 1; w == Onward && last >= 0 && acts[last].Do == Fill {
		// Without a button it is sent by the keyboard, if the page does not do it.
		acts = append(acts, Act{Do: Enter, Selector: acts[last].Selector, Optional: true, find: acts[last].find})
	}
	return acts
}

// withFills gives the sending act what the forms driver must add.
func withFills(http *profiles.HTTPFill, w Way, acts []Act) []Act {
	if http == nil || len(acts) == 0 {
		return acts
	}
	set := map[string]string{}
	for _, add := range []map[string]string{http.Set, map[Way]map[string]string{Approve: http.Approve, Deny: http.Deny}[w]} {
		for name, value := range add {
			set[name] = value
		}
	}
	acts[len(acts)-1].Set = set
	return acts
}

// one finds the element at an index that a field of the sighting holds.
func one(pick func(*Sighting) int) func(*Sighting) []int {
	return func(v *Sighting) []int {
		if i := pick(v); i != none {
			return []int{i}
		}
		return nil
	}
}

func (v *Sighting) guessedActs(w Way, typeCode bool) []Act {
	var (
		user    = Act{Do: Fill, With: "username", find: one(func(v *Sighting) int { return v.user })}
		pass    = Act{Do: Fill, With: "password", find: one(func(v *Sighting) int { return v.password })}
		code    = Act{Do: Fill, With: "user_code", find: func(v *Sighting) []int { return v.code }}
		send    = Act{Do: Press, find: one(func(v *Sighting) int { return v.submit })}
		boxes   = Act{Do: Tick, Optional: true, find: func(v *Sighting) []int { return v.tickable() }}
		through = func(field func(*Sighting) int) Act {
			if v.submit == none && v.waiting == none {
				return Act{Do: Enter, find: one(field)}
			}
			return send
		}
	)
	switch w {
	case Approve:
		if v.approve == none {
			return nil
		}
		return []Act{boxes, {Do: Press, find: one(func(v *Sighting) int { return v.approve })}}
	case Deny:
		if v.deny == none {
			return nil
		}
		return []Act{{Do: Press, find: one(func(v *Sighting) int { return v.deny })}}
	}
	switch v.Role {
	case RoleCode, RoleCodeError:
		if len(v.code) == 0 {
			return nil
		}
		acts := []Act{through(func(v *Sighting) int { return v.code[0] })}
		if typeCode {
			acts = append([]Act{code}, acts...)
		}
		return acts
	case RoleIdentifier:
		return []Act{user, through(func(v *Sighting) int { return v.user })}
	case RoleLogin, RolePassword, RoleLoginError:
		var acts []Act
		last := func(v *Sighting) int { return v.user }
		if v.user != none {
			acts = append(acts, user)
		}
		if v.password != none {
			acts = append(acts, pass)
			last = func(v *Sighting) int { return v.password }
		}
		return append(acts, through(last))
	case RoleMFA:
		if len(v.second) == 0 {
			return nil
		}
		return []Act{{Do: Fill, With: "totp", find: func(v *Sighting) []int { return v.second }}, through(func(v *Sighting) int { return v.second[0] })}
	case RoleInterstitial:
		if v.Picks() {
			return nil // see Pick
		}
		return []Act{{Do: Press, find: one(func(v *Sighting) int {
			if v.dismiss != none {
				return v.dismiss
			}
			if v.onward != none {
				return v.onward
			}
			if v.approve != none {
				return v.approve
			}
			return v.submit
		})}}
	}
	return nil
}

// tickable are the boxes to tick before approving: some servers take only what
// is ticked, or refuse to go on. Boxes that outlive the journey stay as they are.
func (v *Sighting) tickable() []int {
	var out []int
	for i := range v.Elements {
		e := &v.Elements[i]
		if e.Kind == Check && e.usable() && !e.Checked && unwantedBoxes.in(e.text()) == "" && !v.inBanner(e) {
			out = append(out, i)
		}
	}
	return out
}

// Clearing inserts the clearing of a checkbox before the last act, which sends
// the decision. The checkbox may be missing.
func Clearing(box *profiles.Locator, acts []Act) []Act {
	a := Act{Do: Untick, Optional: true, Selector: spell(box), find: func(v *Sighting) []int {
		found := find(box, v.Snapshot)
		return found[:min(1, len(found))]
	}}
	last := len(acts) - 1
	return append(acts[:last:last], a, acts[last])
}
