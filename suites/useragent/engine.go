package useragent

import (
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// Engine walks through pages for a driver whose user agents are tabs. It knows
// the profile's pages and limits how many journeys run at once.
type Engine struct {
	driver     string
	options    Options
	recogniser *pages.Recogniser
	room       *room // nil: no bound
	learn      func(j *transcript.Journey, scripted bool)
}

// NewEngine returns the engine of a driver. At most places of its journeys run
// at once; 0: no limit. It calls learn, unless nil, for each journey that met
// pages, with whether one of them had scripts. NewEngine fails if a page of the
// profile has an invalid pattern.
func NewEngine(driver string, o Options, places int, learn func(j *transcript.Journey, scripted bool)) (*Engine, error) {
	r, err := pages.NewRecogniser(o.Verification)
	if err != nil {
		return nil, err
	}
	e := &Engine{driver: driver, options: o.WithDefaults(), recogniser: r, learn: learn}
	if places > 0 {
		e.room = newRoom(places)
	}
	return e, nil
}

// Recogniser returns the recognizer of the profile's pages.
func (e *Engine) Recogniser() *pages.Recogniser { return e.recogniser }

// Reacted records how long the browser took for a trivial answer: the slower it
// is, the fewer journeys run at once.
func (e *Engine) Reacted(took time.Duration) {
	if e.room != nil {
		e.room.reacted(took)
	}
	if e.options.Reacted != nil {
		e.options.Reacted(took)
	}
}

// NewAgent returns an agent for a fresh tab.
func (e *Engine) NewAgent(t Tab) *TabAgent {
	o := e.options
	return &TabAgent{
		driver: e.driver, tab: t, recogniser: e.recogniser, limits: o.Verification.Limits, consent: o.Verification.Consent,
		now: o.Now, strained: o.Strained, room: e.room, logins: o.logins, learn: e.learn,
	}
}

// TabAgent is the Agent, and Preparer, of the drivers that open pages.
type TabAgent struct {
	driver     string
	tab        Tab
	recogniser *pages.Recogniser
	limits     profiles.JourneyLimits
	consent    string
	now        func() time.Duration
	// loggedIn lasts from journey to journey, as the cookies do.
	loggedIn bool
	// room bounds the journeys that are under way; nil: no bound. reserved gives
	// back the place that Prepare took for the next one.
	room     *room
	reserved func()
	// logins lets one agent at a time log in with an account.
	logins *logins
	// strained says that this machine did not keep up since a moment.
	strained func(since time.Time) bool
	// learn is told of each journey that met pages; it may be nil.
	learn func(j *transcript.Journey, scripted bool)
}
