package useragent

import (
	"fmt"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// way is what the person wants of a page.
type way string

const (
	onward  way = "go on"
	approve way = "approve"
	deny    way = "deny"
)

// deed is one kind of act on an element.
type deed string

const (
	fill   deed = "fill"
	press  deed = "click"
	tick   deed = "check"
	untick deed = "clear"
	enter  deed = "press Enter in" // where a form has no button
)

// act is one act on a page. Its elements are looked up anew before it is done,
// because filling one field may re-render the others.
type act struct {
	do deed
	// with names the value of a fill: user_code, username, password.
	with string
	// find returns the elements; a fill of several types one character each.
	find func(*sighting) []int
	// selector is the profile's locator, for the report.
	selector string
	// optional goes on when the element is not there.
	optional bool
	// set are form fields that the forms driver adds when it sends the form.
	set map[string]string
}

func one(pick func(*sighting) int) func(*sighting) []int {
	return func(v *sighting) []int {
		if i := pick(v); i != none {
			return []int{i}
		}
		return nil
	}
}

// plan lists the acts that go a way on a page: those of its profile entry, or
// what the heuristics of its role say. It is empty when there is no such way.
func (v *sighting) plan(w way, typeCode bool) []act {
	if v.Entry != nil {
		if acts := entryActions(v.Entry, w); len(acts) > 0 {
			return withFills(v.Entry.HTTP, w, acts)
		}
		if w == deny && v.Entry.NoDeny {
			return nil
		}
	}
	acts := v.guessedPlan(w, typeCode)
	if v.Entry != nil {
		acts = withFills(v.Entry.HTTP, w, acts)
	}
	return acts
}

func entryActions(p *profiles.Page, w way) []act {
	listed := p.Do
	switch w {
	case approve:
		listed = p.Approve
	case deny:
		listed = p.Deny
	}
	var acts []act
	for _, a := range listed {
		next := act{with: a.With, optional: a.Optional}
		locator := a.Fill
		switch {
		case a.Fill != nil:
			next.do = fill
		case a.Click != nil:
			next.do, locator = press, a.Click
		case a.Check != nil:
			next.do, locator = tick, a.Check
		}
		next.selector = spell(locator)
		next.find = func(v *sighting) []int {
			found := find(locator, v.Snapshot)
			if len(found) > 1 && !a.All {
				found = found[:1]
			}
			return found
		}
		acts = append(acts, next)
	}
	return acts
}

// withFills gives the sending act what the forms driver must add.
func withFills(http *profiles.HTTPFill, w way, acts []act) []act {
	if http == nil || len(acts) == 0 {
		return acts
	}
	set := map[string]string{}
	for _, add := range []map[string]string{http.Set, map[way]map[string]string{approve: http.Approve, deny: http.Deny}[w]} {
		for name, value := range add {
			set[name] = value
		}
	}
	acts[len(acts)-1].set = set
	return acts
}

func (v *sighting) guessedPlan(w way, typeCode bool) []act {
	var (
		user    = act{do: fill, with: "username", find: one(func(v *sighting) int { return v.User })}
		pass    = act{do: fill, with: "password", find: one(func(v *sighting) int { return v.Password })}
		code    = act{do: fill, with: "user_code", find: func(v *sighting) []int { return v.Code }}
		send    = act{do: press, find: one(func(v *sighting) int { return v.Submit })}
		boxes   = act{do: tick, optional: true, find: func(v *sighting) []int { return v.tickable() }}
		through = func(field func(*sighting) int) act {
			if v.Submit == none && v.Waiting == none {
				return act{do: enter, find: one(field)}
			}
			return send
		}
	)
	switch w {
	case approve:
		if v.Approve == none {
			return nil
		}
		return []act{boxes, {do: press, find: one(func(v *sighting) int { return v.Approve })}}
	case deny:
		if v.Deny == none {
			return nil
		}
		return []act{{do: press, find: one(func(v *sighting) int { return v.Deny })}}
	}
	switch v.Role {
	case roleCode, roleCodeError:
		if len(v.Code) == 0 {
			return nil
		}
		acts := []act{through(func(v *sighting) int { return v.Code[0] })}
		if typeCode {
			acts = append([]act{code}, acts...)
		}
		return acts
	case roleIdentifier:
		return []act{user, through(func(v *sighting) int { return v.User })}
	case roleLogin, rolePassword, roleLoginError:
		var acts []act
		last := func(v *sighting) int { return v.User }
		if v.User != none {
			acts = append(acts, user)
		}
		if v.Password != none {
			acts = append(acts, pass)
			last = func(v *sighting) int { return v.Password }
		}
		return append(acts, through(last))
	case roleInterstitial:
		return []act{{do: press, find: one(func(v *sighting) int {
			if v.Approve != none {
				return v.Approve
			}
			return v.Submit
		})}}
	}
	return nil
}

// tickable are the boxes to tick before approving: some servers take only what
// is ticked, or refuse to go on. Boxes that outlive the journey stay as they are.
func (v *sighting) tickable() []int {
	var out []int
	for i := range v.Elements {
		e := &v.Elements[i]
		if e.Kind == Check && e.usable() && !e.Checked && unwantedBoxes.in(e.text()) == "" {
			out = append(out, i)
		}
	}
	return out
}

// clearing puts the unticking of a box before the act that sends the decision.
func clearing(box *profiles.Locator, acts []act) []act {
	a := act{do: untick, optional: true, selector: spell(box), find: func(v *sighting) []int {
		found := find(box, v.Snapshot)
		return found[:min(1, len(found))]
	}}
	last := len(acts) - 1
	return append(acts[:last:last], a, acts[last])
}

// describe says what the act does to an element, without any secret.
func (a *act) describe(v *sighting) string {
	found := a.find(v)
	if len(found) == 0 {
		return string(a.do)
	}
	name := v.Elements[found[0]].describe()
	if len(found) > 1 {
		name += fmt.Sprintf(" and %d more", len(found)-1)
	}
	if a.do == fill {
		return fmt.Sprintf("fill %s with %s", name, a.with)
	}
	return fmt.Sprintf("%s %s", a.do, name)
}

// prefilled is the code that the server put into the field.
func (v *sighting) prefilled() string {
	code := ""
	for _, i := range v.Code {
		code += v.Elements[i].Value
	}
	return code
}

// trouble starts a report about the page.
func (v *sighting) trouble(class transcript.TroubleClass, cause string) *transcript.Trouble {
	t := &transcript.Trouble{Class: class, Cause: cause}
	if v != nil {
		t.Page, t.URL, t.Title, t.Alert = v.Role, v.URL, v.Title, v.Alert
		t.Fields, t.Buttons, t.Tried = v.fields(), v.buttons(), v.Tried
	}
	return t
}
