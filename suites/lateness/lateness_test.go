package lateness

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := Start()
		defer w.Stop()
		time.Sleep(5 * time.Second)
		w.Browser(4 * time.Millisecond)
		f := w.All()
		f.Pressure = -1 // that of the machine that tests
		if f.Strained() || f.TimerMax != 0 || f.BrowserP50 != 4*time.Millisecond {
			t.Errorf("%+v", f)
		}
	})
}

func TestStrained(t *testing.T) {
	quiet := Figures{TimerP50: time.Millisecond, TimerP99: 5 * time.Millisecond, TimerMax: 40 * time.Millisecond, BrowserP50: 6 * time.Millisecond, Pressure: 0.6}
	for _, c := range []struct {
		name   string
		change func(*Figures)
		want   bool
	}{
		{"quiet", func(*Figures) {}, false},
		{"no figures of the system", func(f *Figures) { f.Pressure = -1 }, false},
		{"late timers", func(f *Figures) { f.TimerP99 = 130 * time.Millisecond }, true},
		{"one long stall", func(f *Figures) { f.TimerMax = time.Second }, true},
		{"a slow browser", func(f *Figures) { f.BrowserP50 = 400 * time.Millisecond }, true},
		{"processors in demand", func(f *Figures) { f.Pressure = 0.97 }, true},
	} {
		f := quiet
		c.change(&f)
		if f.Strained() != c.want {
			t.Errorf("%s: %v", c.name, !c.want)
		}
	}
}

// TestSince: what lies before the moment does not count.
func TestSince(t *testing.T) {
	w := &Watch{began: time.Now()}
	at := func(second float64) time.Time {
		return w.began.Add(time.Duration(second * float64(time.Second)))
	}
	w.note(at(1.5), func(s *second) { s.timers.add(time.Second) })
	w.note(at(7.5), func(s *second) { s.timers.add(time.Millisecond) })
	if f := w.Since(at(7)); f.TimerMax != time.Millisecond || f.Strained() {
		t.Errorf("since second 7: %+v", f)
	}
	if f := w.All(); f.TimerMax != time.Second || !f.Strained() {
		t.Errorf("from the start: %+v", f)
	}
	// The ring forgets what is more than its length ago.
	w.note(at(seconds+1.5), func(s *second) { s.timers.add(2 * time.Millisecond) })
	if f := w.All(); f.TimerMax != 2*time.Millisecond {
		t.Errorf("after a turn of the ring: %+v", f)
	}
}

func TestQuantile(t *testing.T) {
	var s series
	for range 99 {
		s.add(100 * time.Microsecond)
	}
	s.add(3 * time.Second)
	if q := s.quantile(0.5); q < 100*time.Microsecond || q > 200*time.Microsecond {
		t.Errorf("p50 is %s", q)
	}
	if q := s.quantile(1); q != 3*time.Second {
		t.Errorf("p100 is %s", q)
	}
	if q := (&series{}).quantile(0.5); q != 0 {
		t.Errorf("p50 of nothing is %s", q)
	}
}

func TestParsePressure(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"some avg10=79.88 avg60=64.07 avg300=30.78 total=172660976\nfull avg10=0.00 total=0\n", 172660976 * time.Microsecond, true},
		{"full avg10=0.00 total=7", 0, false},
		{"some avg10=1", 0, false},
		{"some total=many", 0, false},
		{"", 0, false},
	} {
		if got, ok := parsePressure(c.text); ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %s, %v", c.text, got, ok)
		}
	}
}

func TestWords(t *testing.T) {
	f := Figures{TimerP99: 480 * time.Millisecond, TimerMax: 1200 * time.Millisecond, BrowserP50: 300 * time.Millisecond, BrowserP99: 2 * time.Second, Pressure: 0.934}
	const want = "timers fired 480 ms late (p99; 1200 ms at most), the browser took 300 ms to react (p50; 2000 ms p99), programs waited for a processor 93 % of the time"
	if got := f.String(); got != want {
		t.Errorf("%q", got)
	}
	if got := (Figures{Pressure: -1}).String(); strings.Contains(got, "browser") || strings.Contains(got, "processor") {
		t.Errorf("figures that nobody took: %q", got)
	}
}
