package loadgen

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
)

// accounts are what a shard has counted, written down and kept of its requests.
type accounts struct {
	tally    *tally
	window   window
	recorder *recorder // nil: no records
	block    []byte    // of records
	samples  map[sampleKey]int
	kept     []rawSample
}

func newAccounts(r *recorder) accounts {
	return accounts{tally: newTally(), window: newWindow(), recorder: r, samples: map[sampleKey]int{}}
}

// window is what was seen since the sampler looked last.
type window struct {
	latency, lateness *hdrhistogram.Histogram
	AnswerCounts
}

// windowDigits is enough for a plot.
const windowDigits = 2

func newWindow() window {
	return window{latency: hdrhistogram.New(leastMicros, mostMicros, windowDigits), lateness: hdrhistogram.New(leastMicros, mostMicros, windowDigits)}
}

// due counts a request that the wheel handed out so late.
func (a *accounts) due(d *device, late int64, measured bool) {
	if measured {
		observe(a.tally.Lateness, late)
		if d.state == waiting {
			a.tally.Intended++
		}
	}
	_ = a.window.lateness.RecordValue(min(max(late/1000, 0), mostMicros))
}

// request counts a request that ended, and what its transport says of it.
func (a *accounts) request(w *worker, d *device, o outcome, failure transport.Failure, done int64, measured bool) {
	t := a.tally
	latency := done - w.intended // not since written: that would be coordinated omission
	t.Counts[w.kind][o]++
	if measured {
		t.Measured[w.kind][o]++
		observe(t.histogram(w.kind, o), latency)
		observe(t.Wait, w.answer.Written-w.dequeued)
		if w.kind == kindPoll && failure != transport.FailureDial {
			t.Sent++
		}
	}
	if w.answer.Dialled {
		t.Dialled++
	}
	if w.answer.Resent {
		t.Resent++
	}
	switch w.answer.Status {
	case 429:
		t.SlowDown.TooManyRequests++
	case 503:
		t.SlowDown.Unavailable++
	}
	if failure != transport.NoFailure {
		t.Failures[failure]++
		if t.FirstFailures[failure] == "" && w.answer.Err != nil {
			t.FirstFailures[failure] = w.answer.Err.Error()
		}
	}
	a.window.see(w.kind, o, latency)
	n := uint16(0)
	if w.kind == kindPoll {
		n = uint16(min(d.polls+1, 0xffff))
	}
	a.record(record{intended: w.intended, dequeued: w.dequeued, written: w.answer.Written, answered: done,
		device: d.serial, poll: n, status: uint16(w.answer.Status), kind: w.kind, outcome: o, failure: failure, resent: w.answer.Resent, measured: measured})
	a.sample(w, o, d, done)
}

// see counts for the picture of the running second.
func (win *window) see(k kind, o outcome, latency int64) {
	if k == kindPoll {
		win.Polls++
		_ = win.latency.RecordValue(min(max(latency/1000, 0), mostMicros))
	} else if o == outcomeCodes {
		win.Issued++
	}
	switch {
	case o == outcomeToken:
		win.Tokens++
	case o == outcomeSlowDown:
		win.SlowDowns++
	case o.failed():
		win.Errors++
	}
}

func (a *accounts) record(r record) {
	if a.recorder == nil {
		return
	}
	if a.block == nil {
		a.block = a.recorder.block()
	}
	a.block = r.append(a.block)
	if len(a.block) >= recordBlock {
		a.flush()
	}
}

func (a *accounts) flush() {
	if len(a.block) > 0 {
		a.recorder.hand(a.block)
	}
	a.block = nil
}

// poll counts what a poll says of its device, as it was before: whether it kept
// its pace, how long it waited, and when its codes ended.
func (a *accounts) poll(w *worker, d *device, o outcome, done int64) {
	t, written := a.tally, w.answer.Written
	if d.manner != greedy && (o == outcomePending || o == outcomeSlowDown) {
		t.paced(d, d.paceOf(written, done), o == outcomeSlowDown)
	}
	if o.answered() {
		t.LongestWait = max(t.LongestWait, done-d.heardAt-int64(d.interval)*1e6)
	}
	switch {
	case o == outcomeExpired && d.expires > 0:
		t.Expiry.Heard++
		if early := d.expires - done; early > int64(time.Second) {
			t.Expiry.Early++
			t.Expiry.EarlyMaxMS = max(t.Expiry.EarlyMaxMS, milliseconds(early))
		}
	case o == outcomePending && d.expires > 0 && written > d.expires:
		t.Expiry.Late++
		t.Expiry.LateMaxMS = max(t.Expiry.LateMaxMS, milliseconds(written-d.expires))
	}
}

// token counts how long an approved device waited for its first token.
func (a *accounts) token(d *device, done int64, measured bool) {
	t := a.tally
	t.Devices.Tokens++
	if d.manner != obedient || d.decided == 0 || !measured {
		return
	}
	observe(t.TimeToToken, done-d.decided)
	excess := int64(0)
	if d.firstAfter > 0 {
		excess = done - d.firstAfter
	}
	observe(t.Excess, excess)
	polls := int(max(1, d.pollsAfter))
	t.Rewarded++
	t.PollsToToken += int64(polls)
	t.MostPollsToToken = max(t.MostPollsToToken, polls)
}

// censored counts a request that was due and never left.
func (a *accounts) censored(d *device, now int64, measured bool) {
	k := kindPoll
	if d.state == issuing {
		k = kindIssue
	}
	a.tally.Counts[k][outcomeCensored]++
	if measured {
		a.tally.Measured[k][outcomeCensored]++
		observe(a.tally.histogram(k, outcomeCensored), now-d.due)
	}
}

// ended counts how a device ended.
func (a *accounts) ended(d *device, o outcome, done int64) {
	c := &a.tally.Devices
	switch {
	case d.tokens > 0:
	case o == outcomeDenied:
		c.Refused++
	case d.forgotten(o, done):
		c.Forgotten++
		c.Failed++
	case o == outcomeExpired, d.last:
		c.Expired++
	default:
		c.Failed++
	}
}
