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
//
// A figure is declared once, with its rule (see addUp). One that is reported as
// it is counted stands here in a type of the result, where a new field is
// declared and reported in one; for the others there is [run.conclude].
type tally struct {
	numbers
	distributions
}

// numbers are the part that can be copied.
type numbers struct {
	// Counts are those of the whole run, Measured of the measured window.
	Counts, Measured [kinds][outcomes]int64
	Devices          DeviceCounts
	SlowDown         SlowDown
	Expiry           Expiry

	Intended, Sent int64 // polls, in the measured window
	// Rewarded are the devices whose time to token was measured, PollsToToken
	// their polls from the approval on.
	Rewarded, PollsToToken int64
	MostPollsToToken       int `add:"max"`

	// Compared are devices that polled, Means and Squares the sums of their mean
	// latencies and of the squares of these, for Jain's index.
	Compared       int
	Means, Squares float64
	LongestWait    int64 `add:"max"` // for an answer, beyond the interval

	Failures        [transport.FailureKinds]int64
	FirstFailures   [transport.FailureKinds]string `add:"first"`
	Dialled, Resent int64
}

// distributions are in the measured window.
type distributions struct {
	Latency             [kinds][outcomes]*hdrhistogram.Histogram // nil: none yet
	Lateness, Wait      *hdrhistogram.Histogram
	TimeToToken, Excess *hdrhistogram.Histogram
	Fairness            *hdrhistogram.Histogram // mean latency of a device
}

func newTally() *tally {
	return &tally{distributions: distributions{Lateness: newHistogram(), Wait: newHistogram(), TimeToToken: newHistogram(), Excess: newHistogram(), Fairness: newHistogram()}}
}

// histogram is the one of a kind and outcome.
func (t *tally) histogram(k kind, o outcome) *hdrhistogram.Histogram {
	if t.Latency[k][o] == nil {
		t.Latency[k][o] = newHistogram()
	}
	return t.Latency[k][o]
}

// requests are the counts as they are reported.
func (n *numbers) requests() (list []RequestCount) {
	for k := range kinds {
		for o := range outcomes {
			if n.Counts[k][o] > 0 {
				list = append(list, RequestCount{k.String(), o.String(), n.Counts[k][o], n.Measured[k][o]})
			}
		}
	}
	return list
}

func (n *numbers) failures() map[string]int64 {
	m := map[string]int64{}
	for f := transport.NoFailure + 1; f < transport.FailureKinds; f++ {
		if n.Failures[f] > 0 {
			m[f.String()] = n.Failures[f]
		}
	}
	return m
}

// measured sums up the requests of the measured window with some outcomes.
func (n *numbers) measured(k kind, want func(outcome) bool) (sum int64) {
	for o := range outcomes {
		if want(o) {
			sum += n.Measured[k][o]
		}
	}
	return sum
}

// paced counts a poll of a device that is to be judged by its pace.
func (t *tally) paced(d *device, p pace, slowed bool) {
	count := func(s *PollShare) {
		s.Polls++
		if slowed {
			s.SlowDowns++
		}
	}
	s := &t.SlowDown
	switch p {
	case tooEarly:
		count(&s.Hurried)
	case unimproved:
		count(&s.Forgetful)
	case inTime:
		count(&s.Obedient)
		if d.slowDowns > 0 {
			count(&s.AfterGrowth)
		} else if slowed && d.manner == obedient {
			s.ObedientDevices++
		}
	}
}

// gone counts a device that ended, or the run with it.
func (t *tally) gone(d *device) {
	if d.polls == 0 {
		return
	}
	mean := int64(d.sumLatency) * 10_000 / int64(d.polls)
	observe(t.Fairness, mean)
	t.Compared++
	t.Means += float64(mean) / 1e6
	t.Squares += float64(mean) / 1e6 * float64(mean) / 1e6
}

// sum of the histograms of a kind.
func (t *tally) all(k kind) *hdrhistogram.Histogram {
	h := newHistogram()
	for o := range outcomes {
		if t.Latency[k][o] != nil {
			h.Merge(t.Latency[k][o])
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
	if t.Compared == 0 || t.Squares == 0 {
		return 1
	}
	return t.Means * t.Means / (float64(t.Compared) * t.Squares)
}
