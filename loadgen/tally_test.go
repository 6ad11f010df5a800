package loadgen

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestTalliesAddUp: two shards together are what one would have counted, bucket
// for bucket.
func TestTalliesAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	whole := newTally()
	parts := []*tally{newTally(), newTally(), newTally()}
	for range 20_000 {
		part := parts[random.IntN(len(parts))]
		k, o, ns := kind(random.IntN(int(kinds))), outcome(random.IntN(int(outcomes))), int64(random.ExpFloat64()*5e6)
		d := device{polls: 2, sumLatency: uint32(random.IntN(1000))}
		p := pace(random.IntN(3))
		for _, into := range []*tally{whole, part} {
			into.counts[k][o]++
			into.measured[k][o]++
			observe(into.histogram(k, o), ns)
			observe(into.lateness, ns/10)
			into.paced(&d, p, o == outcomeSlowDown)
			into.gone(&d)
			into.longestWait = max(into.longestWait, ns)
			into.census.Issued++
		}
	}
	sum := newTally()
	for _, part := range parts {
		sum.add(part)
	}
	// Floating point adds up in another order.
	if diff := sum.squares/whole.squares - 1; diff > 1e-9 || diff < -1e-9 {
		t.Errorf("squares %g and %g", sum.squares, whole.squares)
	}
	for _, pair := range [][2]any{{sum.counts, whole.counts}, {sum.measured, whole.measured}, {sum.paces, whole.paces}, {sum.afterGrowth, whole.afterGrowth},
		{sum.census, whole.census}, {sum.longestWait, whole.longestWait}, {sum.devices, whole.devices}} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%+v, want %+v", pair[0], pair[1])
		}
	}
	for k := range kinds {
		for o := range outcomes {
			if !sum.latency[k][o].Equals(whole.latency[k][o]) {
				t.Errorf("the histogram of %s %s is another", k, o)
			}
		}
	}
	if !sum.lateness.Equals(whole.lateness) || !sum.fairness.Equals(whole.fairness) {
		t.Error("the histograms are others")
	}
}
