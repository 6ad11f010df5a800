package fakeidp

import (
	"sync"
	"sync/atomic"
	"time"
)

// limitVariants: what a server does once it had enough, or seems to.
var limitVariants = []fault{
	{Fault{"F-STR-60", "slower-and-unlimited", "Wrong user codes are not counted, and each code typed makes the pages slower for everybody", Defect}, slowerPages},
	{Fault{"F-STR-61", "expired-for-an-interval", "An expired code is reported once, and is pending after that", Defect}, expiredOnce},
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
