package pages

import (
	"cmp"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Ways returns what the heuristics would do on a page, by profile key:
// "approve" and "deny" if it asks for the decision, otherwise "do". A page that
// the profile knows has none.
func (v *Sighting) Ways() map[string][]transcript.Act {
	if v.Entry != nil {
		return nil
	}
	all := map[string][]transcript.Act{}
	add := func(name string, w Way) {
		if acts := v.inWords(v.guessedActs(w, true)); len(acts) > 0 {
			all[name] = acts
		}
	}
	if v.AsksForDecision() {
		add("approve", Approve)
		add("deny", Deny)
	} else {
		add("do", Onward)
	}
	return all
}

// inWords is nil where an act cannot be expressed in a profile.
func (v *Sighting) inWords(list []Act) (acts []transcript.Act) {
	for _, a := range list {
		found := a.find(v)
		if a.Do == Press && len(found) == 0 && v.waiting != none {
			found = []int{v.waiting} // enabled once something was typed
		}
		if a.Do == Tick || len(found) == 0 {
			// Which boxes are ticked depends on the scopes: they are no part of a page.
			continue
		}
		if a.Do == Enter {
			continue // no profile can press keys
		}
		if len(found) > 1 {
			some, ok := v.several(found)
			if !ok {
				return nil
			}
			acts = append(acts, transcript.Act{Do: string(a.Do), With: a.With, All: true, Optional: a.Optional, Element: some})
			continue
		}
		e := &v.Elements[found[0]]
		acts = append(acts, transcript.Act{Do: string(a.Do), With: a.With, Optional: a.Optional,
			Element: transcript.Element{Button: e.Kind == Button || e.Kind == Link, ID: e.ID, Name: e.Name, Label: cmp.Or(e.Label, e.Placeholder)}})
	}
	return acts
}
