// Package lateness measures whether this machine keeps up with a run.
//
// A verdict says something about the target only if devicegrant's own polls
// left on time and its browser reacted on time. A [Watch] therefore measures
// throughout a run how late timers fire, how long the browser takes to answer a
// trivial question and, where the system reports it, how much of the time
// programs waited for a processor. A measurement decides nothing by itself: a
// step that was late is repeated, and if that does not help either, the figures
// explain why.
package lateness

import (
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// tick is how often a timer is set to see how late it fires.
	tick = 20 * time.Millisecond
	// seconds bounds the memory: what is asked about lies less far back.
	seconds = 3600
	// classes are powers of two of microseconds: up to a quarter of an hour.
	classes = 30
)

// What a machine that keeps up stays below: its timers, its browser's answers,
// and the share of time in which some program waits for a processor. A run
// alone on two cores stays below a half of each.
const (
	lateTimer   = 100 * time.Millisecond
	lateOnce    = 250 * time.Millisecond
	slowBrowser = 150 * time.Millisecond
	pressed     = 0.9
)

// Watch measures from Start to Stop. It is safe for concurrent use.
type Watch struct {
	began time.Time
	stop  func() // once
	over  chan struct{}
	ended chan struct{}

	mu   sync.Mutex
	ring [seconds]second
	last int // the newest second in the ring
}

// second is what was measured in one second.
type second struct {
	number          int // since the start; a slot is used again
	timers, browser series
	pressure        float64 // 0 to 1; below 0: unknown
}

// series counts durations by class.
type series struct {
	count [classes]uint32
	max   time.Duration
}

func (s *series) add(d time.Duration) {
	s.count[min(bits.Len64(uint64(max(0, d.Microseconds()))), classes-1)]++
	s.max = max(s.max, d)
}

func (s *series) merge(o series) {
	for i, n := range o.count {
		s.count[i] += n
	}
	s.max = max(s.max, o.max)
}

// quantile is the upper end of the class in which the quantile lies, and no
// more than the maximum; 0 for an empty series.
func (s *series) quantile(q float64) time.Duration {
	total := 0
	for _, n := range s.count {
		total += int(n)
	}
	if total == 0 {
		return 0
	}
	rank, seen := int(q*float64(total-1))+1, 0
	for i, n := range s.count {
		if seen += int(n); seen >= rank {
			return min(time.Duration(1<<i)*time.Microsecond, s.max)
		}
	}
	return s.max
}

// Start starts a watch.
func Start() *Watch {
	w := &Watch{began: time.Now(), over: make(chan struct{}), ended: make(chan struct{})}
	w.stop = sync.OnceFunc(func() { close(w.over) })
	w.ring[0].pressure = -1
	go w.run()
	return w
}

// Stop ends the watch. Its measurements stay available.
func (w *Watch) Stop() {
	w.stop()
	<-w.ended
}

func (w *Watch) run() {
	defer close(w.ended)
	timer := time.NewTimer(tick)
	defer timer.Stop()
	stalled, known := stalledTime()
	asked := w.began
	for due := w.began.Add(tick); ; {
		select {
		case <-timer.C:
		case <-w.over:
			return
		}
		now := time.Now()
		w.note(now, func(s *second) { s.timers.add(now.Sub(due)) })
		if known && now.Sub(asked) >= time.Second {
			var total time.Duration
			total, known = stalledTime()
			share := min(1, float64(total-stalled)/float64(now.Sub(asked)))
			w.note(now, func(s *second) { s.pressure = share })
			stalled, asked = total, now
		}
		due = time.Now().Add(tick)
		timer.Reset(tick)
	}
}

// note lets f change the second that t belongs to.
func (w *Watch) note(t time.Time, f func(*second)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	number := int(t.Sub(w.began) / time.Second)
	slot := &w.ring[number%seconds]
	if slot.number != number {
		*slot = second{number: number, pressure: -1}
	}
	w.last = max(w.last, number)
	f(slot)
}

// Browser records how long the browser took to answer a trivial question.
func (w *Watch) Browser(took time.Duration) {
	w.note(time.Now(), func(s *second) { s.browser.add(took) })
}

// Since returns the measurements since a given time.
func (w *Watch) Since(t time.Time) Figures {
	w.mu.Lock()
	defer w.mu.Unlock()
	var timers, browser series
	pressure, known := 0.0, 0
	first := max(0, int(t.Sub(w.began)/time.Second), w.last-seconds+1)
	for n := first; n <= w.last; n++ {
		s := w.ring[n%seconds]
		if s.number != n {
			continue
		}
		timers.merge(s.timers)
		browser.merge(s.browser)
		if s.pressure >= 0 {
			pressure += s.pressure
			known++
		}
	}
	f := Figures{
		TimerP50: timers.quantile(0.5), TimerP99: timers.quantile(0.99), TimerMax: timers.max,
		BrowserP50: browser.quantile(0.5), BrowserP99: browser.quantile(0.99), BrowserMax: browser.max, Pressure: -1,
	}
	if known > 0 {
		f.Pressure = pressure / float64(known)
	}
	return f
}

// All returns all measurements so far.
func (w *Watch) All() Figures { return w.Since(w.began) }

// Figures say how well a machine kept up for some time.
type Figures struct {
	// TimerP50 ... are how late timers fired.
	TimerP50, TimerP99, TimerMax time.Duration
	// BrowserP50 ... are how long the browser took for a trivial answer, 0
	// without a browser.
	BrowserP50, BrowserP99, BrowserMax time.Duration
	// Pressure is the share of time, 0 to 1, in which some program waited for a
	// processor; below 0 if the system does not report it.
	Pressure float64
}

// Strained reports whether the machine did not keep up.
func (f Figures) Strained() bool {
	return f.TimerP99 >= lateTimer || f.TimerMax >= lateOnce || f.BrowserP50 >= slowBrowser || f.Pressure >= pressed
}

// String describes the figures in half a sentence.
func (f Figures) String() string {
	parts := []string{fmt.Sprintf("timers fired %s late (p99; %s at most)", short(f.TimerP99), short(f.TimerMax))}
	if f.BrowserP50 > 0 {
		parts = append(parts, fmt.Sprintf("the browser took %s to react (p50; %s p99)", short(f.BrowserP50), short(f.BrowserP99)))
	}
	if f.Pressure >= 0 {
		parts = append(parts, fmt.Sprintf("programs waited for a processor %.0f %% of the time", 100*f.Pressure))
	}
	return strings.Join(parts, ", ")
}

func short(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// pressureFile is where Linux counts the time in which some task waited for a
// processor (Documentation/accounting/psi.rst).
const pressureFile = "/proc/pressure/cpu"

// stalledTime reads that count; false where the system does not keep it.
func stalledTime() (time.Duration, bool) {
	text, err := os.ReadFile(pressureFile)
	if err != nil {
		return 0, false
	}
	return parsePressure(string(text))
}

func parsePressure(text string) (time.Duration, bool) {
	line, _, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(line, "some ") {
		return 0, false
	}
	_, total, found := strings.Cut(line, "total=")
	n, err := strconv.ParseInt(strings.TrimSpace(total), 10, 64)
	return time.Duration(n) * time.Microsecond, found && err == nil
}
