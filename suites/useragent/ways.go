package useragent

import "github.com/devicegrant/devicegrant/suites/transcript"

// ways are what the heuristics would do on a page, in the words of a profile.
func (v *sighting) ways() map[string][]transcript.Act {
	if v.Entry != nil {
		return nil
	}
	all := map[string][]transcript.Act{}
	add := func(name string, w way) {
		if acts := v.acts(v.guessedPlan(w, true)); len(acts) > 0 {
			all[name] = acts
		}
	}
	switch v.Role {
	case roleConsent, roleConfirm:
		add("approve", approve)
		add("deny", deny)
	default:
		add("do", onward)
	}
	return all
}

func (v *sighting) acts(plan []act) (acts []transcript.Act) {
	for _, a := range plan {
		found := a.find(v)
		if a.do == press && len(found) == 0 && v.Waiting != none {
			found = []int{v.Waiting} // enabled once something was typed
		}
		if a.do == tick || len(found) == 0 {
			// Which boxes are ticked depends on the scopes: they are no part of a page.
			continue
		}
		e := &v.Elements[found[0]]
		next := transcript.Act{Do: string(a.do), With: a.with, Optional: a.optional,
			Element: transcript.Element{Button: e.Kind == Button || e.Kind == Link, ID: e.ID, Name: e.Name, Label: first(e.Label, e.Placeholder)}}
		if a.do == enter {
			continue // no profile can press keys
		}
		acts = append(acts, next)
	}
	return acts
}
