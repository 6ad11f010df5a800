package loadgen

import (
	"testing"
	"time"
)

// TestHear is section 3.5 as a table: what a device does after an answer.
func TestHear(t *testing.T) {
	const second = int32(1000)
	for _, test := range []struct {
		name       string
		manner     manner
		answers    []outcome
		retryAfter time.Duration
		then       step
		wait       time.Duration
	}{
		{"pending waits the interval", obedient, []outcome{outcomePending, outcomePending}, 0, pollAgain, 5 * time.Second},
		{"slow_down adds five seconds, for good", obedient, []outcome{outcomeSlowDown, outcomePending}, 0, pollAgain, 10 * time.Second},
		{"each slow_down adds five seconds", obedient, []outcome{outcomeSlowDown, outcomeSlowDown, outcomeSlowDown}, 0, pollAgain, 20 * time.Second},
		{"a timeout doubles", obedient, []outcome{outcomeTimedOut, outcomeTimedOut}, 0, pollAgain, 20 * time.Second},
		{"a timeout after a slow_down doubles the longer one", obedient, []outcome{outcomeSlowDown, outcomeTimedOut}, 0, pollAgain, 20 * time.Second},
		{"doubling ends", obedient, []outcome{outcomeTimedOut, outcomeTimedOut, outcomeTimedOut, outcomeTimedOut, outcomeTimedOut, outcomeTimedOut, outcomeTimedOut, outcomeTimedOut}, 0, pollAgain, 5 * time.Minute},
		{"a broken connection is no timeout", obedient, []outcome{outcomeLost}, 0, pollAgain, 5 * time.Second},
		{"503 waits as long as it says", obedient, []outcome{outcomeUnavailable}, 30 * time.Second, pollAgain, 30 * time.Second},
		{"but never less than the interval", obedient, []outcome{outcomeTooMany}, time.Second, pollAgain, 5 * time.Second},
		{"nor for hours", obedient, []outcome{outcomeUnavailable}, 300 * time.Hour, pollAgain, 5 * time.Minute},
		{"expired_token ends it", obedient, []outcome{outcomeExpired}, 0, stop, 0},
		{"access_denied ends it", obedient, []outcome{outcomeDenied}, 0, stop, 0},
		{"every other error ends it", obedient, []outcome{outcomeOtherError}, 0, stop, 0},
		{"and so does what nobody understands", obedient, []outcome{outcomeNotUnderstood}, 0, stop, 0},
		{"the impatient learn nothing", hurried, []outcome{outcomeSlowDown, outcomeSlowDown}, 0, pollAgain, 2 * time.Second},
		{"the forgetful go back to the advertised interval", forgetful, []outcome{outcomeSlowDown, outcomeSlowDown}, 0, pollAgain, 5 * time.Second},
	} {
		d := device{interval: 5 * second, owed: 5 * second, advertised: 5 * second, manner: test.manner}
		if test.manner != obedient {
			d.interval = 2 * second
		}
		var then step
		var wait int64
		for _, o := range test.answers {
			then, wait = d.hear(o, test.retryAfter)
		}
		if then != test.then || time.Duration(wait) != test.wait {
			t.Errorf("%s: %d %s, want %d %s", test.name, then, time.Duration(wait), test.then, test.wait)
		}
	}
	last := device{interval: 5 * second, last: true}
	if then, _ := last.hear(outcomePending, 0); then != stop {
		t.Error("a device goes on after the end of its codes")
	}
}

// TestPace: obedience is what the server can see, and what we cannot tell is
// nobody's fault.
func TestPace(t *testing.T) {
	minute := int64(time.Minute)
	d := device{advertised: 5000, owed: 10_000, sent: minute, endedAt: minute + int64(100*time.Millisecond)}
	for _, test := range []struct {
		written, answered time.Duration // after the last poll left
		want              pace
	}{
		{10100 * time.Millisecond, 11 * time.Second, inTime},
		{10050 * time.Millisecond, 11 * time.Second, unsure}, // the last one may have arrived 100 ms after it left
		{5100 * time.Millisecond, 5200 * time.Millisecond, unimproved},
		{5100 * time.Millisecond, 10100 * time.Millisecond, unsure}, // it may have arrived when it was answered
		{5050 * time.Millisecond, 5100 * time.Millisecond, unsure},
		{4800 * time.Millisecond, 4900 * time.Millisecond, tooEarly},
	} {
		if got := d.paceOf(minute+int64(test.written), minute+int64(test.answered)); got != test.want {
			t.Errorf("%s, answered at %s: %d, want %d", test.written, test.answered, got, test.want)
		}
	}
}
