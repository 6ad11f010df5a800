package report

import "github.com/devicegrant/devicegrant/loadgen"

// maxMoments is more than a chart is wide: what is drawn beyond it only makes
// the file larger.
const maxMoments = 600

// thinned merges neighbours until a chart can show them. Counts are added and
// of latencies the worst is kept, so that no spike is lost.
func thinned(moments []loadgen.Moment) []loadgen.Moment {
	group := (len(moments) + maxMoments - 1) / maxMoments
	if group <= 1 {
		return moments
	}
	var out []loadgen.Moment
	for i := 0; i < len(moments); i += group {
		m := moments[i]
		for _, next := range moments[i+1 : min(i+group, len(moments))] {
			m = m.Joined(next)
		}
		out = append(out, m)
	}
	return out
}

// window is the measured part of a run.
func window(r loadgen.Result) (from, to float64) {
	if r.MeasuredToS > r.MeasuredFromS {
		return r.MeasuredFromS, r.MeasuredToS
	}
	for _, m := range r.Timeline {
		if !m.Measured {
			continue
		}
		if to == 0 {
			from = m.AtS - m.SpanS
		}
		to = m.AtS
	}
	return from, to
}
