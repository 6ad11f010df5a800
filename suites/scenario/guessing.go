package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

const (
	// successEvery is after how many wrong codes a guesser types a right one.
	successEvery = 5
	// seriesTime bounds a series, in our own time.
	seriesTime = 120 * time.Second
	// enoughLimited is how many refusals in a row end a series.
	enoughLimited = 2
	// letInWithin is how long a guesser waits at most, of our own time, until a
	// limit has run out, looking every so often: limits by the minute do.
	letInWithin = 75 * time.Second
	letInEvery  = 5 * time.Second
	// deviceGuesses is how many device codes are guessed at the token endpoint.
	deviceGuesses = 10
	// otherAddress is a second address of this machine, for targets on it.
	otherAddress = "127.0.0.2"
)

// guessing types wrong user codes until it is held back, and then tries to go
// on all the same. It comes last of all: behind a proxy, everybody has one address
// and would be held back with it. It uses the forms driver, an account of its own
// and, where the target is on this machine, an address of its own, so that somebody
// else can be told apart from the guesser.
//
// Series of guesses: logged in (a right code after every five); logged in, in a
// row (if that was not held back); someone else; the tricks new login,
// X-Forwarded-For, spelling, complete URI; anonymous; anonymous, in a row; new
// cookies (of an anonymous guesser, a right code after every five); new
// cookies, in a row; after each of the three that was held back in a row only:
// NAME, waiting; NAME, again; NAME, held again; the trick new cookies and X-Forwarded-For. Before each
// trick/NAME comes control/NAME, a guess without the trick. First of all a right
// code in the spelling of that trick: spelling accepted. Labels: right/N/device,
// device codes/1 ..., untouched/device, untouched/before, untouched/poll.
func guessing(c *conversation) error {
	if !c.Profile.Limits.AllowLockouts {
		return &Skipped{"many wrong user codes may lock an account or an address: use --allow-lockouts, or set limits.allow_lockouts in the profile"}
	}
	if c.Driver == nil {
		return fmt.Errorf("no user agent: %s", c.NoDriver)
	}
	if err := c.last(); err != nil {
		return err
	}
	g := &guesser{conversation: c, address: addressFor(c.Target.Endpoints.DeviceAuthorization), account: account(c.Profile.Users.Third)}
	other := c.Profile.Users.First
	if g.account == nil {
		g.account, other = account(c.Profile.Users.First), c.Profile.Users.Second
	}
	untouched, err := c.issue(labels.Join(labels.Untouched, labels.Device), c.Profile.Clients.Public)
	if err != nil {
		return err
	}
	untouched.pollNow(labels.UntouchedBefore) // at once: a short series is over within an interval
	if g.account != nil {
		err = g.loggedIn(other)
	}
	if err == nil {
		err = g.anonymous()
	}
	if err != nil && !errors.Is(err, errShutOut) {
		return err
	}
	for i := range deviceGuesses {
		r := c.tokenRequest(labels.Nth(labels.DeviceCodes, i+1), c.Profile.Clients.Public, c.tokenForm(c.Profile.Clients.Public, c.random.like(untouched.deviceCode)))
		if c.once(c.Wire, r).Overloaded() {
			break
		}
	}
	_, err = untouched.poll(labels.UntouchedPoll)
	return err
}

// addressFor is an address of our own for a target on this machine; "" if
// there is none.
func addressFor(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	ip := net.ParseIP(u.Hostname())
	if u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback() || ip.To4() == nil) {
		return ""
	}
	l, err := net.Listen("tcp", net.JoinHostPort(otherAddress, "0"))
	if err != nil {
		return "" // not every system has all of 127.0.0.0/8
	}
	_ = l.Close() // only its possibility was asked for
	return otherAddress
}

// guesser is somebody who types codes that are not theirs.
type guesser struct {
	*conversation
	address string
	account *useragent.Account
	rights  int
	latest  *device // holds the last code that was issued
	// now is the last series, and enter types a code in it; nil: its session is over.
	now   string
	enter func(*device, string) (transcript.Guess, error)
	// most is how many wrong codes the next series may type; 0: as usual.
	most int
}

// open gives the guesser a fresh cookie jar. What is put into the header goes
// along from then on.
func (g *guesser) open(address string) (s useragent.Agent, header map[string]string, done func(), err error) {
	header = map[string]string{}
	driver, err := useragent.New("forms", useragent.Options{
		Verification: g.Profile.Verification, TLS: g.Profile.TLS, Now: g.Clock.Now, LocalAddr: address, Header: header,
	})
	if err != nil {
		return nil, nil, nil, err
	}
	if s, err = driver.NewAgent(g.ctx); err != nil {
		return nil, nil, nil, err
	}
	return s, header, func() { _ = s.Close(); _ = driver.Close() }, nil // connections, no more
}

// errShutOut ends the guessing: no device of the guesser's address gets a code any
// more.
var errShutOut = errors.New("no more codes for a guesser")

// right issues a code that waits for its decision. Each is typed once: a
// server may let only one browser hold it. Where none comes any more after wrong
// codes, that may be a limit on issuing codes: the guesser is held back only if a
// code that is typed at that moment is refused, too.
func (g *guesser) right() (*device, error) {
	g.rights++
	client := g.Profile.Clients.Public
	x := g.send(g.deviceRequest(labels.Join(labels.Nth(labels.Right, g.rights), labels.Device), client, g.deviceForm(client)))
	if x.Status != http.StatusTooManyRequests || g.wrong() == 0 {
		d, err := g.deviceFrom(x, client)
		if err == nil {
			g.latest = d
		}
		return d, err
	}
	if g.enter != nil {
		made, err := g.enter(g.latest, g.random.like(g.latest.userCode))
		if err != nil {
			return nil, err
		}
		if made.Limited() {
			return nil, errShutOut
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	// Neither the status nor a word of a limit: no page said so.
	g.said.Guessed = append(g.said.Guessed, transcript.Guess{
		Series: g.now, Right: true, Outcome: transcript.Unfinished, AtMS: g.sinceStart(),
		Trouble: fmt.Sprintf("the device authorization endpoint issued no more codes (status %d), and no page refused to look at one", x.Status),
	})
	return nil, errShutOut
}

// sinceStart is how long the scenario has taken, in milliseconds.
func (g *guesser) sinceStart() float64 {
	return float64((g.Clock.Now() - g.said.Started).Microseconds()) / 1000
}

// guess types one code and records what the page made of it.
func (g *guesser) guess(s useragent.Agent, series string, d *device, code string, account *useragent.Account) transcript.Guess {
	task := d.task(series, transcript.ReachDecision)
	task.UserCode, task.Account = code, account
	return g.typed(s, series, task, code == d.userCode)
}

func (g *guesser) typed(s useragent.Agent, series string, task useragent.Task, right bool) transcript.Guess {
	g.wait("a guess: "+series, 0)
	began := time.Now()
	j := s.Journey(g.ctx, task)
	made := transcript.Guess{Series: series, Right: right, Outcome: j.Outcome, TookMS: float64(time.Since(began).Microseconds()) / 1000, AtMS: g.sinceStart()}
	if n := len(j.Steps); n > 0 {
		last := j.Steps[n-1]
		made.Status, made.Text = last.Status, clipText(cmp.Or(last.Alert, last.Text, last.Title))
	}
	if j.Outcome == transcript.Unfinished && j.Trouble != nil {
		made.Trouble = j.Trouble.Cause
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.said.Guessed = append(g.said.Guessed, made)
	return made
}

func clipText(s string) string {
	const most = 200
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// tries is how many wrong codes a series may type.
func (g *guesser) tries() int {
	return max(g.Profile.Limits.Guesses, g.Profile.Limits.GuessesStrict, g.most)
}

// series types wrong codes, with a right one after every few, and a right one
// in the end. It says whether it was held back. Without a session every code
// comes from a fresh cookie jar, and a few of them at once.
func (g *guesser) series(s useragent.Agent, name string, every int, account *useragent.Account) (limited bool, err error) {
	enter := func(d *device, code string) (transcript.Guess, error) {
		if s != nil {
			return g.guess(s, name, d, code, account), nil
		}
		fresh, _, done, err := g.open(g.address)
		if err != nil {
			return transcript.Guess{}, err
		}
		defer done()
		return g.guess(fresh, name, d, code, account), nil
	}
	right := func() (transcript.Guess, error) {
		d, err := g.right()
		if err != nil {
			return transcript.Guess{}, err
		}
		return enter(d, d.userCode)
	}
	sample, err := g.right()
	if err != nil {
		return false, err
	}
	g.now, g.enter = name, enter
	refused, troubled, began := 0, 0, time.Now()
	for typed := 0; typed < g.tries(); {
		batch := 1
		if s == nil {
			batch = successEvery
		}
		for _, made := range g.several(batch, sample, enter) {
			typed++
			switch {
			case made.Limited():
				refused++
			case made.Trouble != "":
				troubled++
			case made.Outcome == transcript.AtLogin:
				return false, nil // nothing is looked at before the login
			default:
				refused, troubled = 0, 0
			}
		}
		if g.ctx.Err() != nil {
			return false, errInterrupted
		}
		if refused >= enoughLimited || troubled >= enoughLimited || time.Since(began) > seriesTime {
			break
		}
		if every > 0 && typed%every == 0 && refused == 0 {
			made, err := right()
			if err != nil {
				return false, err
			}
			if made.Limited() {
				refused++
			}
		}
	}
	last, err := right()
	return refused >= enoughLimited || !last.Accepted(), err
}

// again tells two limits apart: one that right codes start anew, and one that
// counts all wrong codes and was merely not reached before. It waits until the
// guesser is let in again, and then types, with right codes in between, more
// wrong ones than it took until then in all. Afterwards the guesser is held back
// once more, for what comes next.
func (g *guesser) again(s useragent.Agent, name string, account *useragent.Account) error {
	typed := g.wrong() // by whatever series: an address may have one count
	d, err := g.right()
	if err != nil {
		return err
	}
	for waited := time.Duration(0); ; waited += letInEvery {
		if waited >= letInWithin {
			return nil // whoever locks for so long is not to be waited for
		}
		g.wait("the end of the guessing limit", 0)
		if err := g.Clock.SleepReal(g.ctx, letInEvery); err != nil {
			return errInterrupted
		}
		fresh := s
		if s == nil {
			var done func()
			if fresh, _, done, err = g.open(g.address); err != nil {
				return err
			}
			defer done()
		}
		if !g.guess(fresh, name+", waiting", d, g.random.like(d.userCode), account).Limited() {
			break
		}
	}
	g.most = typed + successEvery
	defer func() { g.most = 0 }()
	held, err := g.series(s, labels.OnceMore(name), successEvery, account)
	if err != nil || held {
		return err
	}
	_, err = g.series(s, name+", held again", 0, account)
	return err
}

// wrong counts the wrong codes that were looked at so far.
func (g *guesser) wrong() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.said.Guessed {
		if !one.Right && one.Outcome == transcript.CodeRejected && !one.Limited() {
			n++
		}
	}
	return n
}

// several types wrong codes at once. One that cannot be typed counts as trouble.
func (g *guesser) several(n int, d *device, enter func(*device, string) (transcript.Guess, error)) []transcript.Guess {
	made := make([]transcript.Guess, n)
	var all sync.WaitGroup
	for i := range n {
		code := g.random.like(d.userCode)
		all.Go(func() {
			var err error
			if made[i], err = enter(d, code); err != nil {
				made[i].Trouble = err.Error()
			}
		})
	}
	all.Wait()
	return made
}

// loggedIn guesses as a user who is logged in.
func (g *guesser) loggedIn(other *profiles.User) error {
	s, header, done, err := g.open(g.address)
	if err != nil {
		return err
	}
	defer done()
	defer func() { g.enter = nil }()
	d, err := g.right()
	if err != nil {
		return err
	}
	in := d.task("log in", transcript.Approve)
	in.Account = g.account
	if made := g.typed(s, "log in", in, true); made.Outcome != transcript.Approved {
		return fmt.Errorf("guesses are made with the forms driver, which could not log in here (%s)%s", made.Outcome, because(made.Trouble))
	}
	if d, err = g.right(); err != nil {
		return err
	}
	spelled := d.task(labels.SpellingAccepted, transcript.ReachDecision)
	spelled.UserCode, spelled.Account = strings.ToLower(bareCode(d.userCode)), g.account
	g.typed(s, spelled.Name, spelled, true)
	limited, err := g.series(s, labels.LoggedIn, successEvery, g.account)
	if err != nil {
		return err
	}
	if !limited {
		if limited, err = g.series(s, labels.InARow(labels.LoggedIn), 0, g.account); err != nil || !limited {
			return err
		}
		if err := g.again(s, labels.LoggedIn, g.account); err != nil {
			return err
		}
	}
	if other != nil {
		if err := g.someoneElse(other); err != nil {
			return err
		}
	}
	return g.tricks(s, header)
}

func because(trouble string) string {
	if trouble == "" {
		return ""
	}
	return ": " + trouble
}

// someoneElse types a right code as another user, from the usual address.
func (g *guesser) someoneElse(other *profiles.User) error {
	s, _, done, err := g.open("")
	if err != nil {
		return err
	}
	defer done()
	d, err := g.right()
	if err != nil {
		return err
	}
	series := labels.SomeoneElse
	if g.address == "" {
		series = labels.SomeoneElseSameAddress
	}
	g.guess(s, series, d, d.userCode, account(other))
	return nil
}

// tricks are what a logged-in guesser tries who was held back.
func (g *guesser) tricks(s useragent.Agent, header map[string]string) error {
	d, err := g.right()
	if err != nil {
		return err
	}
	// The header last of all: it may start every count anew.
	defer func() {
		g.stillHeld(s, "X-Forwarded-For", d, g.account)
		header["X-Forwarded-For"] = fmt.Sprintf("203.0.113.%d", 1+g.random.IntN(250))
		g.guess(s, labels.Join(labels.Trick, "X-Forwarded-For"), d, g.random.like(d.userCode), g.account)
	}()

	wrong := g.random.like(d.userCode)
	g.stillHeld(s, labels.Spelling, d, g.account)
	g.guess(s, labels.Join(labels.Trick, labels.Spelling), d, strings.ToLower(bareCode(wrong)), g.account)

	if d.complete != "" && strings.Contains(d.complete, d.userCode) {
		task := d.task(labels.Join(labels.Trick, labels.CompleteURI), transcript.ReachDecision)
		task.Start, task.UserCode = strings.ReplaceAll(d.complete, d.userCode, wrong), wrong
		task.Account = g.account
		g.stillHeld(s, labels.CompleteURI, d, g.account)
		g.typed(s, task.Name, task, false)
	}

	again, _, done, err := g.open(g.address)
	if err != nil {
		return err
	}
	defer done()
	// A right code leads a fresh browser to the login.
	if made := g.guess(again, "new login", d, d.userCode, g.account); made.Outcome == transcript.AtDecision {
		g.stillHeld(s, "new login", d, g.account)
		g.guess(again, labels.Join(labels.Trick, "new login"), d, g.random.like(d.userCode), g.account)
	}
	return nil
}

// stillHeld is the control of a trick: right before it, one more guess without
// it. A limit that has run out by then is not side-stepped.
func (g *guesser) stillHeld(s useragent.Agent, trick string, d *device, account *useragent.Account) {
	g.guess(s, labels.Join(labels.Control, trick), d, g.random.like(d.userCode), account)
}

// anonymous guesses without logging in.
func (g *guesser) anonymous() error {
	s, _, done, err := g.open(g.address)
	if err != nil {
		return err
	}
	defer done()
	limited, err := g.series(s, labels.Anonymous, successEvery, nil)
	if err == nil && !limited {
		if limited, err = g.series(s, labels.InARow(labels.Anonymous), 0, nil); err == nil && limited {
			err = g.again(s, labels.Anonymous, nil)
		}
	}
	if err != nil || !limited {
		return err
	}
	held, err := g.series(nil, labels.NewCookies, successEvery, nil)
	if err == nil && !held {
		if held, err = g.series(nil, labels.InARow(labels.NewCookies), 0, nil); err == nil && held {
			err = g.again(nil, labels.NewCookies, nil)
		}
	}
	if err != nil || !held {
		return err
	}
	fresh, header, finish, err := g.open(g.address)
	if err != nil {
		return err
	}
	defer finish()
	d, err := g.right()
	if err != nil {
		return err
	}
	header["X-Forwarded-For"] = fmt.Sprintf("203.0.113.%d", 1+g.random.IntN(250))
	const trick = "new cookies and X-Forwarded-For"
	plain, _, end, err := g.open(g.address)
	if err != nil {
		return err
	}
	defer end()
	g.stillHeld(plain, trick, d, nil)
	g.guess(fresh, labels.Join(labels.Trick, trick), d, g.random.like(d.userCode), nil)
	return nil
}
