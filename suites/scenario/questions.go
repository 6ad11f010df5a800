package scenario

import (
	"sync"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// questions are those that the pages ask after the login and that decide nothing
// about the code, such as "Show tips?". The first approval shows which.
type questions struct {
	mu    sync.Mutex
	known map[string]bool
}

// learn takes them from an approval.
func (q *questions) learn(j transcript.Journey) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known == nil {
		q.known = map[string]bool{}
	}
	for _, question := range j.OnTheWay() {
		q.known[question] = true
	}
}

func (q *questions) has(question string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.known[question]
}
