package transcript

import "strings"

// Attack is one thing that somebody who wishes the person ill tried: a hostile
// page in the person's browser, a poisoned link, or a forged request.
type Attack struct {
	// Name is unique in its transcript: "cross-site/no token".
	Name string `json:"name"`
	// From is the hostile page that did it; "" for a request that was sent
	// outside of the browser, with its cookies.
	From   string `json:"from,omitempty"`
	Method string `json:"method"`
	URL    string `json:"url"`
	// Forged says what was changed in a request that the page itself makes.
	Forged string `json:"forged,omitempty"`
	// Delivered is the positive control: the request has left, with what makes
	// it an attack. Without it nothing was proved.
	Delivered bool `json:"delivered"`
	// Status is the HTTP status of the answer, 0 when there was none to see.
	Status int `json:"status,omitempty"`
	// Blocked is the browser's word for what it did not let happen.
	Blocked string `json:"blocked,omitempty"`
	// Ended is where the browser, or the frame, stood in the end.
	Ended string `json:"ended,omitempty"`
	// Cookies are those that went along; Withheld those that the browser kept
	// back, each with its reason.
	Cookies  []string `json:"cookies,omitempty"`
	Withheld []string `json:"withheld,omitempty"`
	// Seen is what came of it: "a script ran", "an element of ours is in the page".
	Seen []string `json:"seen,omitempty"`
	// Trouble says why it could not be carried out.
	Trouble string `json:"trouble,omitempty"`
}

// Attack returns the attack with that name.
func (t Transcript) Attack(name string) (Attack, bool) {
	for _, a := range t.Attacks {
		if a.Name == name {
			return a, true
		}
	}
	return Attack{}, false
}

// Cookie is a cookie that the pages set, without its value.
type Cookie struct {
	Name     string `json:"name"`
	Path     string `json:"path,omitempty"`
	Secure   bool   `json:"secure"`
	HTTPOnly bool   `json:"http_only"`
	// SameSite is Strict, Lax, None, or "" when the server named none.
	SameSite string `json:"same_site,omitempty"`
	// Length is that of the value: an identifier that nobody can guess is long.
	Length int `json:"length"`
}

// Foreign is a resource that a page asked another host for.
type Foreign struct {
	Origin string `json:"origin"`
	// Referer is what the other host was told about the page.
	Referer string `json:"referer,omitempty"`
}

// Guess is one user code that was typed to see what the server makes of it.
type Guess struct {
	// Series says how it was typed: "logged in", "anonymous", ...
	Series string `json:"series"`
	// Right says that the code was one that waits for its decision.
	Right   bool    `json:"right,omitempty"`
	Outcome Outcome `json:"outcome"`
	Status  int     `json:"status,omitempty"`
	// Text is what the page said about it.
	Text    string  `json:"text,omitempty"`
	TookMS  float64 `json:"took_ms"`
	Trouble string  `json:"trouble,omitempty"`
}

// Guesses returns those of a series.
func (t Transcript) Guesses(series string) (list []Guess) {
	for _, g := range t.Guessed {
		if g.Series == series {
			list = append(list, g)
		}
	}
	return list
}

// Accepted says that the page took the code for one that can be decided.
func (g Guess) Accepted() bool {
	return g.Outcome == AtDecision || g.Outcome == AtLogin || g.Outcome == Approved
}

// Limited says that the server visibly refused to look at a guess at all.
func (g Guess) Limited() bool {
	if g.Status == 429 || g.Status == 423 {
		return true
	}
	text := strings.ToLower(g.Text)
	for _, word := range limitWords {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// limitWords are what a page says when it has had enough. None of them fits a
// plain "wrong code, try again".
var limitWords = []string{
	"too many", "too often", "locked", "try again later", "wait a", "captcha", "not a robot", "rate limit", "temporarily",
	"zu viele", "gesperrt", "später erneut", "trop de", "verrouillé", "demasiados", "bloquead",
}
