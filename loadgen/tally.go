package loadgen

import (
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
)

// Bounds of the histograms: microseconds up to an hour, three digits.
const (
	leastMicros = 1
	mostMicros  = 3600 * 1e6
	digits      = 3
)

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(leastMicros, mostMicros, digits) }

// observe records nanoseconds.
func observe(h *hdrhistogram.Histogram, ns int64) {
	_ = h.RecordValue(min(max(ns/1000, 0), mostMicros)) // it is within the bounds
}

// tally is what one shard counts. Tallies of shards, and of machines, add up
// exactly: they hold counts and histograms only.
type tally struct {
	counts   [kinds][outcomes]int64 // whole run
	measured [kinds][outcomes]int64
	// latency is by kind and outcome, in the measured window; nil: none yet.
	latency [kinds][outcomes]*hdrhistogram.Histogram

	lateness, wait          *hdrhistogram.Histogram
	timeToToken, excess     *hdrhistogram.Histogram
	intended, sent          int64 // polls, in the measured window
	pollsToToken            int64
	mostPollsToToken        uint16
	tokensMeasured          int64
	paces                   [3]PollShare // obedient, hurried, forgetful, by pace
	afterGrowth             PollShare
	slowedObedient          int // devices
	status429, status503    int64
	earlyExpiry, lateExpiry int
	earlyMax, lateMax       int64
	heardExpiry             int
	fairness                *hdrhistogram.Histogram // mean latency of a device
	means, squares          float64
	devices                 int
	longestWait             int64
	faults                  [transport.FaultKinds]int64
	firstFaults             [transport.FaultKinds]string
	dialled, resent         int64
	census                  DeviceCounts
}

func newTally() *tally {
	return &tally{lateness: newHistogram(), wait: newHistogram(), timeToToken: newHistogram(), excess: newHistogram(), fairness: newHistogram()}
}

// histogram is the one of a kind and outcome.
func (t *tally) histogram(k kind, o outcome) *hdrhistogram.Histogram {
	if t.latency[k][o] == nil {
		t.latency[k][o] = newHistogram()
	}
	return t.latency[k][o]
}

// add adds another tally to this one.
func (t *tally) add(u *tally) {
	for k := range kinds {
		for o := range outcomes {
			t.counts[k][o] += u.counts[k][o]
			t.measured[k][o] += u.measured[k][o]
			if h := u.latency[k][o]; h != nil {
				t.histogram(k, o).Merge(h)
			}
		}
	}
	t.lateness.Merge(u.lateness)
	t.wait.Merge(u.wait)
	t.timeToToken.Merge(u.timeToToken)
	t.excess.Merge(u.excess)
	t.fairness.Merge(u.fairness)
	t.intended += u.intended
	t.sent += u.sent
	t.pollsToToken += u.pollsToToken
	t.mostPollsToToken = max(t.mostPollsToToken, u.mostPollsToToken)
	t.tokensMeasured += u.tokensMeasured
	for i := range t.paces {
		t.paces[i].Polls += u.paces[i].Polls
		t.paces[i].SlowDowns += u.paces[i].SlowDowns
	}
	t.afterGrowth.Polls += u.afterGrowth.Polls
	t.afterGrowth.SlowDowns += u.afterGrowth.SlowDowns
	t.slowedObedient += u.slowedObedient
	t.status429 += u.status429
	t.status503 += u.status503
	t.earlyExpiry += u.earlyExpiry
	t.lateExpiry += u.lateExpiry
	t.earlyMax = max(t.earlyMax, u.earlyMax)
	t.lateMax = max(t.lateMax, u.lateMax)
	t.heardExpiry += u.heardExpiry
	t.means += u.means
	t.squares += u.squares
	t.devices += u.devices
	t.longestWait = max(t.longestWait, u.longestWait)
	for f := range transport.FaultKinds {
		t.faults[f] += u.faults[f]
		if t.firstFaults[f] == "" {
			t.firstFaults[f] = u.firstFaults[f]
		}
	}
	t.dialled += u.dialled
	t.resent += u.resent
	t.census.add(u.census)
}

func (c *DeviceCounts) add(d DeviceCounts) {
	c.Started += d.Started
	c.Issued += d.Issued
	c.Approved += d.Approved
	c.Denied += d.Denied
	c.Tokens += d.Tokens
	c.Refused += d.Refused
	c.Expired += d.Expired
	c.Abandoned += d.Abandoned
	c.Failed += d.Failed
	c.Forgotten += d.Forgotten
	c.Waiting += d.Waiting
	c.Peak += d.Peak
}

// paced counts a poll of a device that is to be judged by its pace.
func (t *tally) paced(d *device, p pace, slowed bool) {
	count := func(s *PollShare) {
		s.Polls++
		if slowed {
			s.SlowDowns++
		}
	}
	if p != unsure {
		count(&t.paces[p])
	}
	if p != inTime {
		return
	}
	if d.slowDowns > 0 {
		count(&t.afterGrowth)
	}
	if slowed && d.manner == obedient && d.slowDowns == 0 {
		t.slowedObedient++
	}
}

// gone counts a device that ended, or the run with it.
func (t *tally) gone(d *device) {
	if d.polls == 0 {
		return
	}
	mean := int64(d.sumLatency) * 10_000 / int64(d.polls)
	observe(t.fairness, mean)
	t.devices++
	t.means += float64(mean) / 1e6
	t.squares += float64(mean) / 1e6 * float64(mean) / 1e6
}

// sum of the histograms of a kind.
func (t *tally) all(k kind) *hdrhistogram.Histogram {
	h := newHistogram()
	for o := range outcomes {
		if t.latency[k][o] != nil {
			h.Merge(t.latency[k][o])
		}
	}
	return h
}

// quantiles of a histogram.
func quantiles(h *hdrhistogram.Histogram) Quantiles {
	q := Quantiles{Count: h.TotalCount()}
	if q.Count == 0 {
		return q
	}
	at := func(p float64) float64 { return float64(h.ValueAtQuantile(p)) / 1000 }
	q.MinMS, q.MaxMS = float64(h.Min())/1000, float64(h.Max())/1000
	q.MeanMS = math.Round(h.Mean()) / 1000
	q.P50MS, q.P75MS, q.P90MS, q.P99MS, q.P999MS, q.P9999MS = at(50), at(75), at(90), at(99), at(99.9), at(99.99)
	return q
}

// spectrum is the percentile spectrum, up to the last value.
func spectrum(h *hdrhistogram.Histogram) []SpectrumPoint {
	total := h.TotalCount()
	if total == 0 {
		return nil
	}
	var points []SpectrumPoint
	// Ever closer to 1: half of what is left, in five steps.
	for left := 1.0; left*float64(total) >= 1 && len(points) < 120; left *= math.Pow(0.5, 0.2) {
		points = append(points, SpectrumPoint{1 - left, float64(h.ValueAtQuantile(100*(1-left))) / 1000})
	}
	return append(points, SpectrumPoint{1, float64(h.Max()) / 1000})
}

// jain is Jain's index of fairness.
func (t *tally) jain() float64 {
	if t.devices == 0 || t.squares == 0 {
		return 1
	}
	return t.means * t.means / (float64(t.devices) * t.squares)
}
