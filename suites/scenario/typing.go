package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

const (
	// aMinute is the time in which limits on typed codes count.
	aMinute = time.Minute
	// longestEntry is how long, of our own time, a visit takes at most until its
	// code is sent: later ones are about something else.
	longestEntry = 15 * time.Second
	// mostRetyped is how often a code that was not looked at is typed again, and
	// mostVain how many codes in a row may be refused for good: what lasts longer
	// is no limit on the pace.
	mostRetyped = 2
	mostVain    = 2
	// strayRefusals is how many refusals may be anything, and briefly what kind of
	// pause is no limit by the minute: those are only waited for.
	strayRefusals = 1
	briefly       = 5 * time.Second
	// lookForTurn is how often somebody who waits looks whether it is their turn.
	lookForTurn = 100 * time.Millisecond
)

// typing paces the user codes that the end users of a run type, all together:
// servers limit how many one address may type. Without a limit it only counts.
type typing struct {
	clock *Clock

	mu   sync.Mutex
	most int           // codes a minute; 0: no limit is known
	from time.Duration // nobody types before
	last []*entry      // of the last minute, or under way
	// waiting are those without a turn: who holds a code first, the oldest code first.
	waiting []*typist
	arrived int
	vain    int
	// decisions says that a decision counts like a code: its form carries the code.
	decisions bool
	seen      string // the first refusal, "" for none
	// confirmed says that a code was looked at after a wait: what held it back was
	// the pace. Without that, own is the limit: the profile's.
	confirmed bool
	own       int
	// looked counts the codes that were looked at, refusals those that were not.
	looked, refusals int
	// limits counts the refusals that look like a limit by the minute.
	limits int
}

// entry is one code that was typed, or will be.
type entry struct {
	at      time.Duration // when, by the target's clock
	refused bool
	// decided says that the visit went on to a decision without a turn of its own.
	decided bool
}

type typist struct {
	expires time.Time // when the code expires; zero: none is issued yet
	order   int
}

func newTyping(clock *Clock, perMinute int) *typing {
	return &typing{clock: clock, most: perMinute, own: perMinute}
}

// errNoTurn is the error of somebody whose code expired before their turn came.
var errNoTurn = errors.New("the code expired before the limit on user codes let anybody type it")

// turn waits until one more code may be typed, and counts it. Whose code expires
// first comes first; who has none yet can wait. A code that expires in the queue
// gets no turn; one that had expired before is typed on purpose.
func (t *typing) turn(ctx context.Context, expires time.Time) (*entry, error) {
	t.mu.Lock()
	t.arrived++
	perishable := time.Now().Before(expires)
	self := &typist{expires: expires, order: t.arrived}
	t.waiting = append(t.waiting, self)
	slices.SortFunc(t.waiting, compareTypists)
	defer func() {
		t.waiting = slices.DeleteFunc(t.waiting, func(other *typist) bool { return other == self })
		t.mu.Unlock()
	}()
	for {
		if perishable && !time.Now().Before(expires) {
			return nil, errNoTurn
		}
		if t.waiting[0] == self && t.free() {
			e := &entry{at: t.clock.Now()}
			t.last = append(t.last, e)
			return e, nil
		}
		t.mu.Unlock()
		err := t.clock.SleepReal(ctx, lookForTurn)
		t.mu.Lock()
		if err != nil {
			return nil, errInterrupted
		}
	}
}

func compareTypists(a, b *typist) int {
	if a.expires.IsZero() != b.expires.IsZero() {
		if a.expires.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(a.expires.Compare(b.expires), cmp.Compare(a.order, b.order))
}

// free says that a code may be typed now. The caller holds the lock.
func (t *typing) free() bool {
	now := t.clock.Now()
	t.last = slices.DeleteFunc(t.last, func(e *entry) bool { return now-e.at > aMinute+t.clock.Guard(0) })
	return now >= t.from && (t.most == 0 || t.count(now, true) < t.most)
}

// count is how much the last minute had that the target counts. The caller holds
// the lock.
func (t *typing) count(now time.Duration, withRefused bool) (n int) {
	for _, e := range t.last {
		if e.refused && !withRefused || now-e.at > aMinute+t.clock.Guard(0) {
			continue
		}
		n++
		if e.decided && t.decisions {
			n++
		}
	}
	return n
}

// paced says that a limit is known.
func (t *typing) paced() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.most > 0
}

// begins notes that a code is about to be typed, and says whether its turn still
// holds: one that was taken long ago counts no more.
func (t *typing) begins(e *entry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	if now-e.at > aMinute/2 {
		return false
	}
	e.at = now + time.Duration(float64(longestEntry)*t.clock.rate)
	return true
}

// unused gives a turn back.
func (t *typing) unused(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = slices.DeleteFunc(t.last, func(other *entry) bool { return other == e })
}

// typed notes that a code was looked at, after a refusal or at once, and whether a
// decision without a turn of its own followed.
func (t *typing) typed(e *entry, decided, again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.at, e.decided = min(e.at, t.clock.Now()), decided
	t.looked++
	t.vain = 0
	t.confirmed = t.confirmed || again
}

// refused notes that a page refused to check more codes, and for how long: the code
// page, or the one that takes the decision. Where that happens often, the run keeps
// to as many a minute as were looked at in the last one. It says whether the code
// is worth another try.
func (t *typing) refused(e *entry, atDecision bool, pause time.Duration, what string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	e.at, e.refused = min(e.at, now), !atDecision
	t.decisions = t.decisions || atDecision
	t.refusals++
	if pause >= briefly {
		t.limits++
	}
	t.seen = cmp.Or(t.seen, what)
	// Where none was looked at, an older limit still holds, and tells no pace.
	if n := t.count(now, false); t.limits > strayRefusals && n > 0 && (t.most == 0 || n < t.most) {
		t.most = n
	}
	t.from = max(t.from, now+pause+t.clock.Guard(0))
	return t.vain < mostVain
}

// inVain notes that a code was refused again and again.
func (t *typing) inVain() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.vain++; !t.confirmed {
		t.most, t.decisions = t.own, false
	}
}

// expected is when somebody who comes now gets a turn, 0 if nobody knows.
func (t *typing) expected() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.most == 0 {
		return t.from
	}
	return max(t.from, t.clock.Now()+time.Duration(len(t.waiting)+1)*aMinute/time.Duration(t.most))
}

// decisionsCount says that a decision needs a turn, like a code.
func (t *typing) decisionsCount() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.decisions
}

// Typed says in a line what limit on typed codes the run met or obeyed, "" for
// none.
func (e *Environment) Typed() string {
	t := e.typing
	if t == nil {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.most == 0 && t.confirmed && t.limits > 0:
		return fmt.Sprintf("a page refused to check a user code (%s) and accepted the same code later: try limits.user_codes_per_minute in the profile if that comes again", t.seen)
	case t.most == 0 || !t.confirmed && t.looked <= t.most:
		return ""
	}
	var parts []string
	if t.confirmed {
		parts = append(parts, fmt.Sprintf("the pages limit how many user codes are typed (%s): %d were refused, and typed again later", t.seen, t.refusals))
	}
	parts = append(parts, fmt.Sprintf("at %d a minute, the %d user codes and decisions of this run take about %s", t.most, t.looked, (time.Duration(t.looked)*aMinute/time.Duration(t.most)).Round(time.Minute)))
	if t.most != t.own {
		parts = append(parts, fmt.Sprintf("to keep to that from the start, try limits.user_codes_per_minute: %d in the profile", t.most))
	}
	return strings.Join(parts, "; ")
}

// readyToType waits, where the target limits typed codes, until one more may be
// typed: before the code is issued, since it would grow old in the queue. The next
// visit uses the turn.
func (c *conversation) readyToType() error {
	if c.typing == nil || !c.typing.paced() {
		return nil
	}
	c.wait("the limit on user codes", c.typing.expected())
	e, err := c.typing.turn(c.ctx, time.Time{})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turns = append(c.turns, e)
	return nil
}

// turnToType is a turn for a visit: one that is ready, or a new one.
func (c *conversation) turnToType(expires time.Time) (*entry, error) {
	for {
		var e *entry
		c.mu.Lock()
		if len(c.turns) > 0 {
			e, c.turns = c.turns[0], c.turns[1:]
		}
		c.mu.Unlock()
		if e == nil {
			c.wait("the limit on user codes", c.typing.expected())
			var err error
			if e, err = c.typing.turn(c.ctx, expires); err != nil {
				return nil, err
			}
		}
		if c.typing.begins(e) {
			return e, nil
		}
	}
}

// journey is a visit in which a code may be typed: at the pace that the target
// allows, and again where a page refused to check more codes. A journey that came to
// its AtDecision is not made again: what a scenario does there it does once.
func (c *conversation) journey(s useragent.Agent, task useragent.Task) transcript.Journey {
	if c.typing == nil || !typesCode(task) {
		return s.Journey(c.ctx, task)
	}
	start := time.Now()
	for try := 0; ; try++ {
		e, err := c.turnToType(task.Deadline)
		switch {
		case errors.Is(err, errNoTurn):
			return c.notMade(task, start)
		case err != nil:
			return s.Journey(c.ctx, task) // it says that it was interrupted
		}
		c.wait("the user agent: "+task.Name, 0)
		for range lookUps(task) - 1 {
			more, err := c.turnToType(task.Deadline)
			if errors.Is(err, errNoTurn) {
				c.typing.unused(e)
				return c.notMade(task, start)
			}
			if err != nil {
				break // the journey says that it was interrupted
			}
			c.typing.typed(more, false, false)
		}
		inTurn := c.typing.decisionsCount()
		noting, arrived := notingArrival(task)
		j := s.Journey(c.ctx, c.decidingInTurn(noting, start))
		step, enough := refusedToCheck(j)
		switch {
		case !enough || !c.issuedHere(task.UserCode):
			c.typing.typed(e, j.Decided && !inTurn, try > 0)
			return j
		case try == mostRetyped:
			c.typing.inVain()
			c.neverTyped(task, step, start)
			return j
		}
		pause, asked := waitAsked(step.Header["Retry-After"], "")
		if !asked {
			pause = aMinute
		}
		if pause > longestPause || !c.typing.refused(e, j.Decided, pause, describeRefusal(step)) || arrived.Load() {
			c.neverTyped(task, step, start)
			return j
		}
	}
}

// notingArrival is a task that tells whether its AtDecision ran.
func notingArrival(task useragent.Task) (useragent.Task, *atomic.Bool) {
	var arrived atomic.Bool
	if at := task.AtDecision; at != nil {
		task.AtDecision = func(ctx context.Context) error {
			arrived.Store(true)
			return at(ctx)
		}
	}
	return task, &arrived
}

// notMade is the journey of somebody whose code expired before their turn came.
func (c *conversation) notMade(task useragent.Task, since time.Time) transcript.Journey {
	c.late(transcript.LateLimited, 0, since, "%s: %s", task.Name, errNoTurn)
	return transcript.Journey{Name: task.Name, Goal: task.Goal, Start: task.Start, Outcome: transcript.Unfinished,
		Trouble: &transcript.Trouble{Class: transcript.JourneyCanceled, Cause: errNoTurn.Error()}}
}

// neverTyped notes that a limit did not let a code be typed: whatever became of it
// says nothing.
func (c *conversation) neverTyped(task useragent.Task, step transcript.Step, since time.Time) {
	if step.Status != http.StatusServiceUnavailable {
		c.late(transcript.LateLimited, 0, since, "%s: the page refused to check more user codes (%s)", task.Name, describeRefusal(step))
	}
}

// decidingInTurn is a task whose decision waits for a turn of its own, where the
// target counts it like a code.
func (c *conversation) decidingInTurn(task useragent.Task, since time.Time) useragent.Task {
	if !c.typing.decisionsCount() {
		return task
	}
	held := task.AtDecision
	task.AtDecision = func(ctx context.Context) error {
		e, err := c.turnToType(task.Deadline)
		if errors.Is(err, errNoTurn) {
			c.late(transcript.LateLimited, 0, since, "%s: %s", task.Name, err)
		}
		if err != nil {
			return err
		}
		if held != nil {
			err = held(ctx)
		}
		c.typing.typed(e, false, false)
		return err
	}
	return task
}

// typesCode says that the target looks a code up in a task.
func typesCode(task useragent.Task) bool {
	return task.TypeCode || task.Complete != "" && task.Start == task.Complete
}

// lookUps is how often the target looks a code up in a task: a link with the code
// is opened, and the code sent from that page; a look opens it like a preview, too.
func lookUps(task useragent.Task) int {
	switch {
	case task.Complete == "" || task.Start != task.Complete:
		return 1
	case task.Goal == transcript.Look:
		return 3
	}
	return 2
}

// issuedHere says that a user code is one of the conversation's own.
func (c *conversation) issuedHere(code string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.userCodes[strings.ToUpper(bareCode(code))]
}

// refusedToCheck says that a journey ended at a page that refused to check more codes,
// and which.
func refusedToCheck(j transcript.Journey) (transcript.Step, bool) {
	switch j.Outcome {
	case transcript.CodeRejected, transcript.ErrorPage, transcript.Unfinished, transcript.Looked:
	default:
		return transcript.Step{}, false
	}
	for _, step := range slices.Backward(j.Steps) {
		if step.Page == "probe" {
			continue // a link preview, after the page itself
		}
		return step, step.Status == http.StatusTooManyRequests || step.Status == http.StatusServiceUnavailable || !aboutLogin(step) && j.Outcome != transcript.Looked && step.SaysLimited()
	}
	return transcript.Step{}, false
}

// aboutLogin says that a page asks who somebody is: it may refuse more of
// that.
func aboutLogin(step transcript.Step) bool {
	switch step.Page {
	case "login", "login_error", "identifier", "password", "mfa":
		return true
	}
	return false
}

func describeRefusal(step transcript.Step) string {
	what := fmt.Sprintf("status %d", step.Status)
	if said := clipText(cmp.Or(step.Alert, step.Title)); said != "" {
		what += fmt.Sprintf(", %q", said)
	}
	return what
}
