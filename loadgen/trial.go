package loadgen

import (
	"context"
	"strings"
	"time"
)

// trial is one run of a search: all devices get their codes, which nobody decides
// about, and then their polls are measured for the time of a step.
func trial(ctx context.Context, o Options, devices int, slo []string, step time.Duration) (Result, Step, error) {
	began := time.Now()
	p := &o.Plan
	p.Devices, p.Thresholds = devices, slo
	p.Arrival.Curve, p.Arrival.Width = "closed", 16
	p.Replace, p.AtRest, p.Canary = new(false), new(false), new(false)
	p.Mix.Approve, p.Mix.Deny, p.Mix.Expire = new(0.0), new(0.0), new(1.0)
	p.Impatient.Share, p.Greedy.Share = new(0.0), new(0.0)
	p.Connections.Max = 0
	o.Approver, o.Canary = nil, nil
	o.measureFor = step
	// As long as the codes take, and then the step.
	p.Duration, p.WarmUp = step+10*time.Minute, new(step+9*time.Minute)
	result, err := Run(ctx, o)
	s := Step{Devices: devices, Polls: result.Rates.PollsAnswered, TookS: seconds(int64(time.Since(began)))}
	if err != nil {
		return result, s, err
	}
	for _, l := range result.Latencies {
		if l.Kind == kindPoll.String() && l.Answer == "" {
			s.P50MS, s.P99MS = l.P50MS, l.P99MS
		}
	}
	s.Held = result.Verdict == Held
	for _, t := range result.Thresholds {
		if strings.HasPrefix(t.Text, "errors ") {
			s.Errors = t.Value
		}
		if !t.OK && t.Measured && s.Broke == "" {
			s.Broke = t.Text + ": " + t.Observed
		}
	}
	if !s.Held && s.Broke == "" && result.Verdict != Invalid {
		s.Broke = result.Aborted
	}
	return result, s, nil
}
