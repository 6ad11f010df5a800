package transcript

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Goal is what the end user wants.
type Goal string

// The goals a user agent can be given.
const (
	// Approve enters the code, logs in where asked, and approves.
	Approve Goal = "approve"
	// Deny enters the code, logs in where asked, and refuses. It never
	// submits anything that could approve.
	Deny Goal = "deny"
	// ReachDecision enters the code and logs in where asked, and stops as
	// soon as the page asks for the decision.
	ReachDecision Goal = "reach decision"
	// ApproveWithoutSession goes to the decision, forgets every cookie, and
	// then presses approve. A server must not take that for an approval
	// (RFC 8628 section 3.3: the user is authenticated).
	ApproveWithoutSession Goal = "approve without session"
	// Look opens the start page, lets scripts run for the dwell time, clicks
	// nothing, then sends HEAD and a prefetch GET with the session's cookies.
	Look Goal = "look"
)

// Outcome is what the last page told the end user. It is evidence, never the
// verdict: only the token endpoint decides.
type Outcome string

// The outcomes of a journey.
const (
	Approved     Outcome = "approved"      // a success page, or none further after approve was pressed
	Denied       Outcome = "denied"        // a refusal was submitted
	CodeRejected Outcome = "code rejected" // the user code was refused
	LoginFailed  Outcome = "login failed"  // user name or password was refused
	AtLogin      Outcome = "at login"      // a login is asked for and the task has no account
	AtDecision   Outcome = "at decision"   // the page asks to approve or deny
	AtCode       Outcome = "at code"       // a blank code field, and the code was not to be typed
	NoWayToDeny  Outcome = "no way to deny"
	ErrorPage    Outcome = "error page"    // the server's error page
	InputBlocked Outcome = "input blocked" // the page's own form checks did not let the input out
	Looked       Outcome = "looked"        // the goal Look ended
	// Unfinished means that the user agent could not go on, which says
	// nothing about the server; Journey.Trouble has the reason.
	Unfinished Outcome = "unfinished"
)

// Journey is one visit of the end user to the verification URI.
type Journey struct {
	// Name identifies this visit in its transcript.
	Name   string `json:"name"`
	Goal   Goal   `json:"goal"`
	Driver string `json:"driver"` // browser, forms, hook, manual
	// Start is the URL that was opened.
	Start string `json:"start"`
	// TypedCode is the user code that the end user had to type; "" if none.
	TypedCode string  `json:"typed_code,omitempty"`
	Outcome   Outcome `json:"outcome"`

	// CodeTyped says that the code was typed on some page.
	CodeTyped bool `json:"code_typed"`
	// LoggedIn says that user name and password were submitted and accepted.
	LoggedIn bool `json:"logged_in"`
	// ApproveOffered and DenyOffered say whether a decision page had such a
	// button.
	ApproveOffered bool `json:"approve_offered"`
	DenyOffered    bool `json:"deny_offered"`
	// Decided says that an approve or deny button was pressed.
	Decided bool `json:"decided"`
	// Cleared says that the checkbox named in the task was cleared.
	Cleared bool `json:"cleared,omitempty"`
	// Confirmed says that the last page was recognized as confirming the
	// decision. Without it, the server may have asked another question. The
	// drivers hook and manual never confirm, because they see no pages.
	Confirmed bool `json:"confirmed"`
	// StillAuthenticated says that, after all cookies were deleted, a script on
	// the page sent an Authorization header from memory.
	StillAuthenticated bool `json:"still_authenticated,omitempty"`

	// Watched names the values that were searched for in everything that the
	// user agent sent, received and showed; Leaks says where one was found.
	// WatchProved says that the user code, which must occur, was seen, so the
	// search works.
	Watched     []string `json:"watched,omitempty"`
	WatchProved bool     `json:"watch_proved,omitempty"`
	Leaks       []Leak   `json:"leaks,omitempty"`

	Steps   []Step   `json:"steps"`
	Trouble *Trouble `json:"trouble,omitempty"`
	// Cookies are those that the user agent had at the end.
	Cookies []Cookie `json:"cookies,omitempty"`

	Started time.Duration `json:"-"`
	Ended   time.Duration `json:"-"`
	// Pressed is when the end user decided, if polls were to come in that moment;
	// 0 otherwise.
	Pressed time.Duration `json:"-"`
}

// Forgetting begins the action of a step before which the cookies were dropped.
// ForgettingNone is all of it where there was no cookie to drop.
const (
	Forgetting     = "forget all cookies"
	ForgettingNone = Forgetting + " (there were none)"
)

// OnTheWay returns the questions of this approval that came after the login and
// before the last one: answering them is no decision about the code ("Stay
// signed in?"). A question that came last, too, is not among them.
func (j Journey) OnTheWay() []string {
	if j.Outcome != Approved || !j.LoggedIn {
		return nil
	}
	var questions []string
	loggedIn := false
	for _, s := range j.Steps {
		switch {
		case s.Page == "login" || s.Page == "password":
			loggedIn = true
		case loggedIn && s.Question != "" && s.Action != "":
			questions = append(questions, s.Question)
		}
	}
	if len(questions) == 0 {
		return nil
	}
	last := questions[len(questions)-1]
	return slices.DeleteFunc(questions, func(q string) bool { return q == last })
}

// journeyJSON carries the three times as milliseconds of target time.
type journeyJSON struct {
	plainJourney
	StartedMS float64 `json:"started_ms,omitempty"`
	EndedMS   float64 `json:"ended_ms,omitempty"`
	PressedMS float64 `json:"pressed_ms,omitempty"`
}

type plainJourney Journey

// MarshalJSON writes the times as started_ms, ended_ms and pressed_ms.
func (j Journey) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / float64(time.Millisecond) }
	return json.Marshal(journeyJSON{plainJourney(j), ms(j.Started), ms(j.Ended), ms(j.Pressed)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (j *Journey) UnmarshalJSON(b []byte) error {
	var read journeyJSON
	if err := json.Unmarshal(b, &read); err != nil {
		return err
	}
	*j = Journey(read.plainJourney)
	j.Started = time.Duration(read.StartedMS * float64(time.Millisecond))
	j.Ended = time.Duration(read.EndedMS * float64(time.Millisecond))
	j.Pressed = time.Duration(read.PressedMS * float64(time.Millisecond))
	return nil
}

// Leak is a place where a watched value was found, without the value.
type Leak struct {
	Needle string `json:"needle"`
	Where  string `json:"where"` // request URL, response body, page ...
	URL    string `json:"url"`
}

// Step is one page that was seen, and what was done on it.
type Step struct {
	N int `json:"n"`
	// Page is the recognized role: code, login, consent, success, ...
	Page string `json:"page"`
	// Reason says how the page was recognized: a profile entry or a heuristic.
	Reason string `json:"reason,omitempty"`
	// Action says what was done, without any secret: `click "Approve"`.
	Action string `json:"action,omitempty"`
	// Question identifies what a decision page asks, whatever the code: its
	// title and buttons.
	Question string `json:"question,omitempty"`
	URL      string `json:"url"`
	Title    string `json:"title,omitempty"`
	// Alert is the text of the page's error or alert element, if any.
	Alert string `json:"alert,omitempty"`
	// Text is what the page showed, and Fields the content of its text fields.
	Text   string   `json:"text,omitempty"`
	Fields []string `json:"fields,omitempty"`
	// Usability lists what makes a code page harder to use than necessary.
	Usability []string `json:"usability,omitempty"`
	// Status is the HTTP status of the page, 0 if the driver does not know it.
	Status int `json:"status,omitempty"`
	// Header has those response headers of the page that protect it.
	Header map[string]string `json:"header,omitempty"`
	// Foreign are the resources that the page requested from other hosts.
	Foreign []Foreign `json:"foreign,omitempty"`
	// TookMS is how long the page took to appear, in real milliseconds.
	TookMS float64 `json:"took_ms"`
	// Screenshot is a JPEG; it is written next to the report, not into
	// result.json.
	Screenshot []byte `json:"-"`
	// Ways are the possible actions on the page, by their profile keys (do,
	// approve, deny), if heuristics recognized it; nil if a profile entry did.
	// For authors of such entries; not recorded.
	Ways map[string][]Act `json:"-"`
	// File is the name of the written screenshot below the report's folder.
	File string `json:"file,omitempty"`
}

// SaysLimited reports whether the page says that the server has had enough. Only
// where it has no alert, its whole text counts.
func (s Step) SaysLimited() bool { return SaysLimited(cmp.Or(s.Alert, s.Text)) }

// Limited reports whether the page, in words or by its status, refuses to look at
// what was sent.
func (s Step) Limited() bool {
	return s.Status == http.StatusTooManyRequests || s.Status == http.StatusServiceUnavailable || s.SaysLimited()
}

// Act is one act on one element of a page.
type Act struct {
	Do       string // fill, click, check
	With     string // what a fill types: user_code, username, password
	Optional bool
	All      bool // on every element that is found
	Element  Element
}

// Element is what a profile can use to find an element.
type Element struct {
	Button          bool // or a link
	ID, Name, Label string
	// Pattern is a regular expression of the labels of several; CSS is a selector.
	Pattern, CSS string
}

// TroubleClass says what stopped a journey.
type TroubleClass string

// The classes of trouble. None of them may fail a server.
const (
	NoBrowser       TroubleClass = "no_browser"
	BrowserLost     TroubleClass = "browser_lost" // did not start, crashed, or a renderer crashed
	Unreachable     TroubleClass = "unreachable"  // DNS, connection or TLS towards the page
	NavTimeout      TroubleClass = "nav_timeout"
	NotRecognised   TroubleClass = "not_recognised"
	ElementMissing  TroubleClass = "element_missing"
	ValueLost       TroubleClass = "value_lost"  // the page did not keep what was typed
	Loop            TroubleClass = "loop"        // the same page again and again
	NeedsScript     TroubleClass = "needs_js"    // the forms driver met a page made by scripts
	NoAccount       TroubleClass = "no_account"  // the profile has no user for this journey
	Unsupported     TroubleClass = "unsupported" // this driver cannot do that goal
	HookFailed      TroubleClass = "hook_failed" // the profile's hook did not do its work
	JourneyTimeout  TroubleClass = "journey_timeout"
	JourneyCanceled TroubleClass = "canceled"
)

// Trouble says where a journey stopped, and what was seen and tried there.
type Trouble struct {
	Class  TroubleClass `json:"class"`
	Step   int          `json:"step"`
	Page   string       `json:"page,omitempty"`
	Action string       `json:"action,omitempty"`
	// Selector is the profile's locator that found nothing, if that was the
	// cause.
	Selector string   `json:"selector,omitempty"`
	URL      string   `json:"url,omitempty"`
	Title    string   `json:"title,omitempty"`
	Alert    string   `json:"alert,omitempty"`
	Fields   []string `json:"fields,omitempty"`
	Buttons  []string `json:"buttons,omitempty"`
	// Tried lists the pages that were considered and why each did not match.
	Tried []string `json:"tried,omitempty"`
	Hint  string   `json:"hint,omitempty"`
	Cause string   `json:"cause,omitempty"`
	// Screenshot and HTML are written next to the report.
	Screenshot []byte   `json:"-"`
	HTML       string   `json:"-"`
	Files      []string `json:"files,omitempty"`
}

// Error describes the trouble in a few lines: what, where, what was seen and
// tried, and a hint.
func (t *Trouble) Error() string {
	var b strings.Builder
	if t.Step > 0 { // else the journey never began
		fmt.Fprintf(&b, "step %d", t.Step)
		if t.Page != "" {
			fmt.Fprintf(&b, " %q", t.Page)
		}
		b.WriteString(": ")
	}
	b.WriteString(string(t.Class))
	if t.Cause != "" {
		fmt.Fprintf(&b, ": %s", t.Cause)
	}
	if t.Action != "" {
		fmt.Fprintf(&b, ", while trying to %s", t.Action)
	}
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "\n  %-8s %s", name, text)
		}
	}
	line("selector", t.Selector)
	if t.URL != "" {
		line("at", fmt.Sprintf("%s (title %q)", t.URL, t.Title))
	}
	line("alert", t.Alert)
	if len(t.Fields)+len(t.Buttons) > 0 {
		line("saw", fmt.Sprintf("fields %s; buttons %s", list(t.Fields), list(t.Buttons)))
	}
	line("tried", strings.Join(t.Tried, "; "))
	line("hint", t.Hint)
	line("files", strings.Join(t.Files, " "))
	return b.String()
}

func list(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
