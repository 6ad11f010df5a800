package fakeidp

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// limitVariants: what a server does once it had enough, or seems to.
var limitVariants = []fault{
	{Fault{"B60", "one-address", "Ten wrong user codes lock all endpoints for half a minute, as behind a proxy that makes all addresses one", Benign}, oneAddress},
	{Fault{"B61", "latest-sixty", "Only the latest sixty undecided codes are kept; older ones are unknown", Benign}, latestCodes},
	{Fault{"B62", "twenty-codes-a-minute", "Each address may type twenty user codes a minute, right ones too; the page then says so, with status 200", Benign},
		fewCodes(http.StatusOK, false)},
	{Fault{"B63", "twenty-codes-a-minute-429", "Each address may type twenty user codes a minute, right ones too; the page then answers 429 with Retry-After", Benign},
		fewCodes(http.StatusTooManyRequests, true)},
	{Fault{"F-LOAD-02", "one-limit-for-all-devices", "Polls of more than twelve devices within a second get 429", Defect}, fewDevices},
	{Fault{"F-STR-60", "slower-and-unlimited", "Wrong user codes are not counted, and each code typed makes the pages slower for everybody", Defect}, slowerPages},
	{Fault{"F-STR-61", "expired-for-an-interval", "An expired code is reported once, and is pending after that", Defect}, expiredOnce},
}

// oneAddress counts everybody's wrong codes together.
func oneAddress() behaviour {
	const allowed, lock = 10, 30 * time.Second
	var (
		mu     sync.Mutex
		wrong  int
		locked time.Time
	)
	return behaviour{
		request: func(x *exchange) bool {
			mu.Lock()
			defer mu.Unlock()
			if !x.p.clock.Now().Before(locked) {
				return false
			}
			x.status, x.header = http.StatusTooManyRequests, http.Header{"Content-Type": {"text/html"}}
			x.answer = []byte("<html><title>Too many requests</title><h1>Too many requests</h1></html>")
			return true
		},
		response: func(x *exchange) {
			if _, plausible := x.p.userCodes.normalise(x.form.Get("user_code")); !plausible || !x.post(pathDevice) || x.status != http.StatusBadRequest {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if wrong++; wrong >= allowed {
				wrong, locked = 0, x.p.clock.Now().Add(lock)
			}
		},
	}
}

// fewCodes counts every code that is looked up, by the minute and the address.
func fewCodes(status int, retryAfter bool) func() behaviour {
	const allowed = 20
	type window struct {
		began time.Time
		codes int
	}
	return func() behaviour {
		var (
			mu      sync.Mutex
			windows = map[string]window{}
		)
		return behaviour{request: func(x *exchange) bool {
			code := x.query.Get("user_code")
			if x.post(pathDevice) {
				code = x.form.Get("user_code")
			}
			if _, plausible := x.p.userCodes.normalise(code); !plausible || x.path != pathDevice {
				return false
			}
			mu.Lock()
			defer mu.Unlock()
			who, now := remoteAddress(x.r), x.p.clock.Now()
			w := windows[who]
			if now.Sub(w.began) >= guessWindow {
				w = window{began: now}
			}
			w.codes++
			windows[who] = w
			if w.codes <= allowed {
				return false
			}
			x.status, x.header = status, http.Header{"Content-Type": {"text/html; charset=utf-8"}}
			if retryAfter {
				left := w.began.Add(guessWindow).Sub(now)
				x.header.Set("Retry-After", strconv.Itoa(int(left/time.Second)+1))
			}
			x.answer = []byte(`<html lang="en"><title>Connect a device</title><p role="alert">Be patient, you are sending too many requests.</p></html>`)
			return true
		}}
	}
}

// fewDevices counts the devices that poll, whatever the pace of each.
func fewDevices() behaviour {
	const allowed = 12
	var (
		mu    sync.Mutex
		polls = map[string]time.Time{}
	)
	return behaviour{request: func(x *exchange) bool {
		code := x.form.Get("device_code")
		if code == "" || !x.post(pathToken) {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		now := x.p.clock.Now()
		maps.DeleteFunc(polls, func(_ string, at time.Time) bool { return now.Sub(at) > time.Second })
		if _, again := polls[code]; !again && len(polls) >= allowed {
			x.status, x.header = http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}}
			return true
		}
		polls[code] = now
		return false
	}}
}

// latestCodes forgets the oldest undecided code for each new one too many.
func latestCodes() behaviour {
	const kept = 60
	var (
		mu     sync.Mutex
		latest []*grant
		gone   = map[*grant]bool{}
	)
	b := change(func(g *grant, _ time.Time, a answer, f *family) (answer, *family) {
		mu.Lock()
		defer mu.Unlock()
		if gone[g] && a == answerExpired {
			return answerInvalid, nil
		}
		return a, f
	})()
	b.issue = func(g *grant) {
		mu.Lock()
		defer mu.Unlock()
		latest = append(slices.DeleteFunc(latest, func(old *grant) bool { return old.decidable(g.issued) != nil }), g)
		for ; len(latest) > kept; latest = latest[1:] {
			gone[latest[0]] = latest[0].expire(g.issued) == nil
		}
	}
	return b
}

// slowerPages is a server without a limit that grows slow under load.
func slowerPages() behaviour {
	const step, most = 10 * time.Millisecond, 400 * time.Millisecond
	var typed atomic.Int64
	return behaviour{
		configure: func(c *Config) { c.GuessesPerUser, c.GuessesPerAddress = -1, -1 },
		response: func(x *exchange) {
			if x.post(pathDevice) {
				x.delay = min(time.Duration(typed.Add(1))*step, most)
			}
		},
	}
}

// expiredOnce forgets that it reported the end of a code.
func expiredOnce() behaviour {
	var (
		mu   sync.Mutex
		told = map[*grant]bool{}
	)
	return change(func(g *grant, _ time.Time, a answer, f *family) (answer, *family) {
		if a != answerExpired {
			return a, f
		}
		mu.Lock()
		defer mu.Unlock()
		if told[g] {
			return answerPending, nil
		}
		told[g] = true
		return a, f
	})()
}
