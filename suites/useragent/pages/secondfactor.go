package pages

import "slices"

// findSecond finds the field, or the boxes, for a one-time code of the end user's own,
// as an authenticator app shows it. The user code of a device may have the same
// autocomplete and be called a code, too: the page's words tell them apart.
func (v *finder) findSecond(texts []int) []int {
	said := v.Title + " · " + v.Text
	about := secondPage.in(said) != ""
	if deviceCodes.in(said) != "" || elsewhere.in(said) != "" && !about {
		return nil
	}
	for _, i := range texts {
		e := &v.Elements[i]
		if recovery.in(e.text()) == "" && secondWord.in(e.text()) != "" && deviceCodes.in(e.text()) == "" {
			return []int{i}
		}
	}
	if !about {
		return nil
	}
	if boxes := v.boxes(texts); boxes != nil {
		return boxes
	}
	for _, i := range texts {
		e := &v.Elements[i]
		if recovery.in(e.text()) == "" && deviceCodes.in(e.text()) == "" && userScore(e) == 0 && otherCodes.in(e.text()) == "" &&
			(e.Autocomplete == "one-time-code" || codeWords.in(e.text()) != "" || len(texts) == 1) {
			return []int{i}
		}
	}
	return nil
}

// asksSecond says that a field is for some second factor, maybe none of ours.
func (v *Sighting) asksSecond() bool {
	return slices.ContainsFunc(v.Elements, func(e Element) bool {
		return e.Kind == TextField && e.usable() && (secondWord.in(e.text()) != "" || recovery.in(e.text()) != "" || e.Autocomplete == "one-time-code")
	})
}

// SentCode reports whether a page asks for a code that the server sent to the end
// user by a message, and not for one of an authenticator app.
func (v *Sighting) SentCode() bool {
	return authenticator.in(v.Said()) == "" && sentWords.in(v.Said()) != ""
}
