package transcript

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Goal is what the person at the second screen wants.
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

// Outcome is what the last page told the person. It is evidence, never the
// verdict: the token endpoint is the oracle.
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

// Journey is one visit of a person to the verification URI.
type Journey struct {
	// Name is the scenario's name for this visit, unique in its transcript.
	Name   string `json:"name"`
	Goal   Goal   `json:"goal"`
	Driver string `json:"driver"` // browser, forms, hook, manual
	// Start is the URL that was opened.
	Start string `json:"start"`
	// TypedCode is the user code the person had at hand; "" if none was to be typed.
	TypedCode string  `json:"typed_code,omitempty"`
	Outcome   Outcome `json:"outcome"`

	// CodeTyped says that the code was entered by hand on some page.
	CodeTyped bool `json:"code_typed"`
	// LoggedIn says that user name and password were submitted and accepted.
	LoggedIn bool `json:"logged_in"`
	// ApproveOffered and DenyOffered say whether a decision page had such a control.
	ApproveOffered bool `json:"approve_offered"`
	DenyOffered    bool `json:"deny_offered"`
	// Decided says that an approve or deny control was pressed.
	Decided bool `json:"decided"`
	// Cleared says that the box which the task named was unticked.
	Cleared bool `json:"cleared,omitempty"`
	// Confirmed says that the last page was recognised as confirming the
	// decision. Without it the server may have had one more question; a hook
	// and a manual person, whose pages nobody saw, never confirm.
	Confirmed bool `json:"confirmed"`
	// StillAuthenticated says that, after all cookies were forgotten, a script
	// of the page sent an Authorization header from its memory.
	StillAuthenticated bool `json:"still_authenticated,omitempty"`

	// Watched names the values that were looked for in all that the user agent
	// sent, got and showed; Leaks says where one was found. WatchProved says
	// that the user code, which has to pass, was seen: the watch was not blind.
	Watched     []string `json:"watched,omitempty"`
	WatchProved bool     `json:"watch_proved,omitempty"`
	Leaks       []Leak   `json:"leaks,omitempty"`

	Steps   []Step   `json:"steps"`
	Trouble *Trouble `json:"trouble,omitempty"`
	// Cookies are those that the user agent held in the end.
	Cookies []Cookie `json:"cookies,omitempty"`

	Started time.Duration `json:"-"`
	Ended   time.Duration `json:"-"`
}

// journeyJSON carries the two times as milliseconds of target time.
type journeyJSON struct {
	plainJourney
	StartedMS float64 `json:"started_ms,omitempty"`
	EndedMS   float64 `json:"ended_ms,omitempty"`
}

type plainJourney Journey

// MarshalJSON writes the times as started_ms and ended_ms.
func (j Journey) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / float64(time.Millisecond) }
	return json.Marshal(journeyJSON{plainJourney(j), ms(j.Started), ms(j.Ended)})
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
	// Page is the recognised role: code, login, consent, success, ...
	Page string `json:"page"`
	// Reason says how the page was recognised: a profile entry or a heuristic.
	Reason string `json:"reason,omitempty"`
	// Action says what was done, without any secret: `click "Approve"`.
	Action string `json:"action,omitempty"`
	URL    string `json:"url"`
	Title  string `json:"title,omitempty"`
	// Alert is the text of the page's error or alert element, if any.
	Alert string `json:"alert,omitempty"`
	// Text is what the page showed, and Fields what stood in its text fields.
	Text   string   `json:"text,omitempty"`
	Fields []string `json:"fields,omitempty"`
	// Usability is what makes a page for the code harder to use than need be.
	Usability []string `json:"usability,omitempty"`
	// Status is the HTTP status of the page, 0 when the driver cannot tell.
	Status int `json:"status,omitempty"`
	// Header holds those of the page's response headers that protect it.
	Header map[string]string `json:"header,omitempty"`
	// Foreign are the resources that the page asked other hosts for.
	Foreign []Foreign `json:"foreign,omitempty"`
	// TookMS is how long the page took to appear, in real milliseconds.
	TookMS float64 `json:"took_ms"`
	// Screenshot is a JPEG; it is written beside the report, not into result.json.
	Screenshot []byte `json:"-"`
	// Ways are what can be done on the page, by what a profile calls it (do,
	// approve, deny), where heuristics recognised it; nil where an entry of the
	// profile did. For whoever writes such entries; not kept.
	Ways map[string][]Act `json:"-"`
	// File is the name of the written screenshot below the report's folder.
	File string `json:"file,omitempty"`
}

// Act is one act on one element of a page.
type Act struct {
	Do       string // fill, click, check
	With     string // what a fill types: user_code, username, password
	Optional bool
	Element  Element
}

// Element is what a profile could find an element by.
type Element struct {
	Button          bool // or a link
	ID, Name, Label string
}

// TroubleClass says whose trouble stopped a journey.
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

// Trouble says where a journey stopped and what was seen and tried there.
type Trouble struct {
	Class  TroubleClass `json:"class"`
	Step   int          `json:"step"`
	Page   string       `json:"page,omitempty"`
	Action string       `json:"action,omitempty"`
	// Selector is the profile's locator that found nothing, if that was it.
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
	// Screenshot and HTML are written beside the report.
	Screenshot []byte   `json:"-"`
	HTML       string   `json:"-"`
	Files      []string `json:"files,omitempty"`
}

// Error renders the trouble in a few lines: what, where, what was seen, what
// was tried, and a hint.
func (t *Trouble) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "step %d", t.Step)
	if t.Page != "" {
		fmt.Fprintf(&b, " %q", t.Page)
	}
	fmt.Fprintf(&b, ": %s", t.Class)
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
