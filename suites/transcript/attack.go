package transcript

import (
	"slices"
	"strings"
	"unicode"
)

// Attack is one attempt to harm the end user: a hostile page in the user's
// browser, a poisoned link, or a forged request.
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
	// Form identifies the request that it stands in for, whatever the code: method,
	// path and the names of the fields.
	Form string `json:"form,omitempty"`
	// Delivered is the positive control: the request was sent, with what makes
	// it an attack. Without it, the attempt proves nothing.
	Delivered bool `json:"delivered"`
	// Status is the HTTP status of the response, 0 if none was visible.
	Status int `json:"status,omitempty"`
	// Blocked is the browser's reason for blocking it.
	Blocked string `json:"blocked,omitempty"`
	// Ended is the final address of the browser or the frame.
	Ended string `json:"ended,omitempty"`
	// Cookies were sent along; the browser withheld those in Withheld, each
	// with its reason.
	Cookies  []string `json:"cookies,omitempty"`
	Withheld []string `json:"withheld,omitempty"`
	// Seen is the effect: "a script ran", "an element of ours is in the page".
	Seen []string `json:"seen,omitempty"`
	// Shown says that a page showed the payload, or its harmless part, as text: the
	// payload got to where it could do harm.
	Shown bool `json:"shown,omitempty"`
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
	// SameSite is Strict, Lax, None, or "" if the server set none.
	SameSite string `json:"same_site,omitempty"`
	// Length is that of the value: an unguessable identifier is long.
	Length int `json:"length"`
	// Field is a hidden field of a page that had the same value.
	Field string `json:"field,omitempty"`
}

// Foreign is a resource that a page requested from another host.
type Foreign struct {
	Origin string `json:"origin"`
	// Referer is what the other host learned about the page.
	Referer string `json:"referer,omitempty"`
}

// Guess is one user code that was entered to see how the server responds.
type Guess struct {
	// Series says how it was entered: "logged in", "anonymous", ...
	Series string `json:"series"`
	// Right says that the code was valid and undecided.
	Right   bool    `json:"right,omitempty"`
	Outcome Outcome `json:"outcome"`
	Status  int     `json:"status,omitempty"`
	// Text is what the page said about it.
	Text   string  `json:"text,omitempty"`
	TookMS float64 `json:"took_ms"`
	// AtMS is when it was answered, in milliseconds since the scenario began.
	AtMS    float64 `json:"at_ms,omitempty"`
	Trouble string  `json:"trouble,omitempty"`
}

// Guesses returns the guesses of a series.
func (t Transcript) Guesses(series string) (list []Guess) {
	for _, g := range t.Guessed {
		if g.Series == series {
			list = append(list, g)
		}
	}
	return list
}

// Accepted reports whether the page accepted the code for a decision.
func (g Guess) Accepted() bool {
	return g.Outcome == AtDecision || g.Outcome == AtLogin || g.Outcome == Approved
}

// Limited reports whether the server visibly refused to check the guess.
func (g Guess) Limited() bool {
	if g.Status == 429 || g.Status == 423 {
		return true
	}
	return SaysLimited(g.Text)
}

// SaysLimited reports whether a page's text says that the server has had enough
// requests or guesses.
func SaysLimited(text string) bool {
	said := " " + strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ") + " "
	return slices.ContainsFunc(limitPhrases, func(phrase string) bool { return strings.Contains(said, " "+phrase+" ") })
}

// limitPhrases are what a page says when it has had enough, in whole words. None of
// them fits a plain "wrong code, try again", nor the furniture of a page, such as
// "protected by reCAPTCHA" or "your account is unlocked".
var limitPhrases = phrases(
	"too many|too often|try again later|rate limit|rate limited",
	"wait a minute|wait a few|wait a while|wait a little|wait a bit|wait before",
	"is locked|is now locked|been locked|was locked|locked out|account locked|locked for",
	"temporarily locked|temporarily blocked|temporarily disabled|temporarily suspended|temporarily unavailable",
	"not a robot|solve the captcha|solve this captcha|complete the captcha|complete this captcha|enter the captcha|captcha required|captcha is required",
	"zu viele|ist gesperrt|wurde gesperrt|vorübergehend gesperrt|später erneut|später noch einmal",
	"trop de tentatives|trop de demandes|trop de requêtes|trop d essais|est verrouillé|temporairement verrouillé|été verrouillé",
	"demasiados intentos|demasiados códigos|demasiadas solicitudes|demasiadas peticiones|está bloqueado|está bloqueada|sido bloqueado|sido bloqueada",
)

func phrases(lists ...string) (all []string) {
	for _, list := range lists {
		all = append(all, strings.Split(list, "|")...)
	}
	return all
}
