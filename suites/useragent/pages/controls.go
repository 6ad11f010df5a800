package pages

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// none stands for an element that is not on the page.
const none = -1

// controls are the elements that matter on a page, as indices of
// Snapshot.Elements.
type controls struct {
	code     []int // the code field, or one box for each character
	second   []int // the same for a one-time code of the end user's own
	user     int
	password int
	submit   int // what sends the form of the fields above
	// waiting is a button that the page keeps disabled for now.
	waiting int
	approve int
	deny    int
	// explicit says that the button to approve with says so, and does not only go on.
	explicit bool
	// onward is what leaves a page in between.
	onward int

	layers
}

// findControls looks for the fields and buttons of all roles, and for what lies over
// them.
func findControls(s *Snapshot) controls {
	banners := findBanners(s)
	found := look(s, banners)
	found.layers = findLayers(s, banners)
	return found
}

func look(s *Snapshot, banners []bool) controls {
	f := finder{Snapshot: s, controls: controls{user: none, password: none, submit: none, waiting: none, approve: none, deny: none, onward: none, layers: layers{banners: banners}}}
	texts := f.findFields()
	if f.second = f.findSecond(texts); f.second != nil && f.password == none {
		f.code, f.user = nil, none
	} else {
		f.nameless(texts)
	}
	f.findButtons()
	return f.controls
}

// finder looks for the controls of a page.
type finder struct {
	*Snapshot
	controls
}

// findFields sorts the fields by what they say about themselves, and lists those
// for text.
func (v *finder) findFields() (texts []int) {
	best, bestUser := 0, 0
	for i := range v.Elements {
		e := &v.Elements[i]
		if !e.usable() {
			continue
		}
		switch e.Kind {
		case Password:
			if v.password == none {
				v.password = i
			}
		case TextField:
			if e.Type == "search" {
				continue
			}
			texts = append(texts, i)
			code, user := codeScore(e), userScore(e)
			if user > code && user > bestUser {
				v.user, bestUser = i, user
			}
			if code >= 3 && code > user && code > best {
				v.code, best = []int{i}, code
			}
		}
	}
	if boxes := v.boxes(texts); boxes != nil {
		v.code = boxes
	}
	return texts
}

// nameless takes a text field that says nothing about itself for what the
// page around it suggests.
func (v *finder) nameless(texts []int) {
	switch {
	case v.password != none && v.user == none:
		// The last text field before the password.
		for _, i := range texts {
			if i < v.password && !slices.Contains(v.code, i) {
				v.user = i
			}
		}
	case v.password == none && len(texts) == 1 && len(v.code) == 0 && (v.user == none || userScore(&v.Elements[texts[0]]) < 3):
		e := &v.Elements[texts[0]]
		if otherCodes.in(e.text()) == "" && secondWord.in(e.text()) == "" && codeWords.in(v.Title+" "+v.Text) != "" {
			v.code, v.user = texts, none
		}
	}
	if v.password != none && v.user == none && len(v.code) == 1 {
		// "Customer code" beside a password is a user name.
		v.user, v.code = v.code[0], nil
	}
}

// text is everything that an element says about itself.
func (e *Element) text() string {
	return strings.Join([]string{e.Name, e.ID, e.Label, e.Placeholder}, " · ")
}

func codeScore(e *Element) int {
	score, text := 0, e.text()
	device := deviceCodes.in(text) != ""
	switch {
	case device:
		score = 5
	case codeWords.in(text) != "":
		score = 3
	}
	if e.Autocomplete == "one-time-code" {
		score += 2
	}
	if e.MaxLength >= 6 && e.MaxLength <= 12 {
		score++
	}
	if otherCodes.in(text) != "" {
		score -= 5
	}
	if secondWord.in(text) != "" && !device {
		score -= 5
	}
	return score
}

func userScore(e *Element) int {
	score := 0
	switch {
	case strings.Contains(e.Autocomplete, "username"):
		score = 5
	case strings.Contains(e.Autocomplete, "email"):
		score = 4
	}
	if e.Type == "email" {
		score += 3
	}
	if userWords.in(e.text()) != "" {
		score += 4
	}
	if deviceCodes.in(e.text()) != "" {
		score -= 4 // "user" of "user code"
	}
	return score
}

// findButtons sorts the buttons by their words. A link counts only as a way to
// refuse.
func (v *finder) findButtons() {
	anchor := v.anchor()
	bestSubmit, bestApprove, bestDeny := 0, 0, 0
	for i := range v.Elements {
		e := &v.Elements[i]
		if v.inBanner(e) || v.aboutCookies(e) {
			continue
		}
		if e.Kind == Button && e.Visible && !e.Enabled && (anchor == none || e.Form == v.Elements[anchor].Form) {
			v.waiting = i
		}
		if !e.pressable() {
			continue
		}
		says := e.says()
		meant := v.meaning(i)
		if e.refuses(says) || approveWords.in(says) != "" || continueWords.in(says) != "" {
			meant = "" // an end user goes by the words, whatever is behind them
		}
		switch {
		case strayWords.in(says) != "" && denyWords.in(says) == "":
			continue
		case v.asksToRefuse(e):
			if yesWords.in(says) != "" || refusals.in(says) != "" && noWords.in(says) == "" {
				v.deny, bestDeny = i, mostDeny
			}
			continue
		case meant == Deny, e.refuses(says):
			if score := denyScore(e, says); score > bestDeny {
				v.deny, bestDeny = i, score
			}
			continue
		case e.Kind == Link:
			continue
		}
		// A nameless button before the field is furniture.
		if score := v.submitScore(i, says, anchor); score > bestSubmit && (anchor == none || i > anchor || score > 3) {
			v.submit, bestSubmit = i, score
		}
		if score := approveScore(e, says, meant); score > bestApprove {
			v.approve, bestApprove = i, score
		}
	}
	v.explicit = bestApprove >= plainApproval
}

// anchor is a field of the form that is to be sent.
func (v *finder) anchor() int {
	switch {
	case v.password != none:
		return v.password
	case len(v.second) > 0:
		return v.second[0]
	case len(v.code) > 0:
		return v.code[0]
	}
	return v.user
}

// pressable says that the element could send an answer.
func (e *Element) pressable() bool {
	return e.usable() && (e.Kind == Button || e.Kind == Link) && utf8.RuneCountInString(e.Label) <= 60 && !e.Popup
}

// says is what stands on a button.
func (e *Element) says() string { return cmp.Or(e.Label, e.Name+" "+e.ID) }

// refuses goes by a button's words, and by its value where it has no label.
func (e *Element) refuses(says string) bool {
	return denyWords.in(says) != "" || e.Kind == Button && e.Label == "" && denyWords.in(e.Value) != ""
}

// denyScore rates a control that refuses: a button goes before a link, and "Deny"
// before "Cancel".
func denyScore(e *Element, says string) int {
	score := 1
	if e.Kind == Button {
		score += 2
	}
	if refusals.in(says) != "" {
		score++
	}
	return score
}

const mostDeny = 5

// submitScore rates a button as the one that sends the form of the anchor.
func (v *finder) submitScore(i int, says string, anchor int) int {
	e := &v.Elements[i]
	score := 1
	if anchor != none && e.Form == v.Elements[anchor].Form {
		score += 4
	}
	if e.Type == "submit" || e.Type == "image" {
		score += 2
	}
	if continueWords.in(says) != "" || loginWords.in(says) != "" || approveWords.in(says) != "" {
		score += 3
	}
	if anchor != none && i > anchor {
		score += 2
	}
	if e.Focused {
		score++
	}
	if e.Type == "reset" {
		score -= 6
	}
	return score
}

// plainApproval is the score of a button that approves in so many words.
const plainApproval = 4

// approveScore rates a button as the one that approves; 0: it is none.
func approveScore(e *Element, says string, meant Way) int {
	score := 0
	switch {
	case meant == Approve || approveWords.in(says) != "":
		score = plainApproval
	case continueWords.in(says) != "":
		score = 2
	}
	if score > 0 && e.Focused {
		score++
	}
	return score
}
