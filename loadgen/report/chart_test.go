package report

import (
	"math"
	"testing"

	"github.com/devicegrant/devicegrant/loadgen"
)

// TestStallIsAGap: no line goes over a time without answers.
func TestStallIsAGap(t *testing.T) {
	nan := math.NaN()
	runs := unbroken([]point{{1, nan}, {2, 5}, {3, 6}, {4, nan}, {5, 7}, {6, math.Inf(1)}})
	if len(runs) != 2 || len(runs[0]) != 2 || len(runs[1]) != 1 || runs[1][0].x != 5 {
		t.Errorf("the parts of the line are %v", runs)
	}
}

// TestThinnedKeepsSpikes: a long run is drawn with fewer points, none of its
// answers and none of its spikes lost.
func TestThinnedKeepsSpikes(t *testing.T) {
	moments := make([]loadgen.Moment, 4_001)
	for i := range moments {
		moments[i] = loadgen.Moment{AtS: float64(i + 1), SpanS: 1, AnswerCounts: loadgen.AnswerCounts{Polls: 10}, P99MS: 5, Waiting: i}
	}
	moments[1_234].P99MS = 900
	thin := thinned(moments)
	if len(thin) > maxMoments {
		t.Fatalf("%d moments", len(thin))
	}
	var polls int64
	var seconds, worst float64
	for _, m := range thin {
		polls += m.Polls
		seconds += m.SpanS
		worst = max(worst, m.P99MS)
	}
	last := thin[len(thin)-1]
	if polls != 40_010 || seconds != 4_001 || worst != 900 || last.AtS != 4_001 || last.Waiting != 4_000 {
		t.Errorf("%d polls in %v s, the worst %v ms, the last %+v", polls, seconds, worst, last)
	}
	if perSecond(last.Polls, last) != 10 {
		t.Errorf("%v polls a second", perSecond(last.Polls, last))
	}
}
