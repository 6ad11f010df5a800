package loadgen

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
	"github.com/devicegrant/devicegrant/suites/report"
)

// Exit statuses of a load run.
const (
	ExitHeld        = report.ExitConforming
	ExitInvalid     = report.ExitUnknown
	ExitMissed      = 4
	ExitInterrupted = report.ExitInterrupted
)

// What makes a run invalid: then its figures are about the generator.
const (
	mostLatenessMS = 5.0
	mostGapMS      = 250.0
	leastSent      = 0.999
)

// total is the figures of all shards together.
func (r *run) total() *tally {
	t := newTally()
	for _, s := range r.all {
		s.mu.Lock()
		addUp(t, s.tally)
		s.mu.Unlock()
	}
	return t
}

// measure is what thresholds are held against, now.
func (r *run) measure() *measurement {
	m := &measurement{tally: r.total(), seconds: seconds(min(r.now(), r.to.Load()) - r.from.Load()), failed: r.approvers.failures()}
	r.ledger.mu.Lock()
	for _, v := range r.ledger.violations {
		m.violations += v.count
	}
	r.ledger.mu.Unlock()
	return m
}

// conclude turns what was counted into the result.
func (r *run) conclude(result *Result) {
	m := r.measure()
	t := m.tally
	result.MeasuredFromS, result.MeasuredToS = seconds(r.from.Load()), seconds(r.to.Load())
	m.seconds = result.MeasuredToS - result.MeasuredFromS
	result.Target.IntervalS, result.Target.ExpiresInS = float64(r.interval.Load()), float64(r.expiresIn.Load())
	result.Devices = t.Devices
	result.Devices.Peak = r.sampler.peak
	result.Requests = t.requests()
	r.rates(result, t, m.seconds)
	result.Latencies = latencies(t)
	r.slowDown(result, t)
	result.Tokens = Tokens{TimeToToken: quantiles(t.TimeToToken), Excess: quantiles(t.Excess), PollsMax: t.MostPollsToToken}
	if t.Rewarded > 0 {
		result.Tokens.PollsMean = math.Round(float64(t.PollsToToken)/float64(t.Rewarded)*100) / 100
	}
	result.Expiry = t.Expiry
	fair := quantiles(t.Fairness)
	result.Fairness = Fairness{Devices: t.Compared, Jain: math.Round(t.jain()*1e4) / 1e4, P50MS: fair.P50MS, P99MS: fair.P99MS, LongestGapMS: milliseconds(t.LongestWait)}
	if t.Compared > 0 {
		result.Fairness.P1MS = float64(t.Fairness.ValueAtQuantile(1)) / 1000
	}
	result.Approvals = r.approvers.result()
	result.Ledger = r.ledger.result(r.o.Records, r.site)
	r.transports(result, t)
	r.generator(result, t)
	result.Timeline = r.sampler.timeline
	for _, s := range r.all {
		for _, raw := range s.kept {
			if len(result.Samples) < maxSamples {
				result.Samples = append(result.Samples, r.site.show(raw))
			}
		}
	}
	if r.o.Histograms != "" {
		if err := r.writeHistograms(r.o.Histograms, t); err != nil {
			r.notes = append(r.notes, err.Error())
		}
	}
	if r.ledger.replayed > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%d responses repeated a token that the device already had, for a code that was used; devicegrant run POLL-14 judges that", r.ledger.replayed))
	}
	if r.ledger.hasty > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%d approved devices that ignore slow_down received nothing else afterwards, and no token", r.ledger.hasty))
	}
	if r.ledger.starved > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%d approved devices received nothing but slow_down afterwards, and no token", r.ledger.starved))
	}
	if r.ledger.shared > 0 {
		r.notes = append(r.notes, fmt.Sprintf("%d tokens were also issued to a second device of the same end user", r.ledger.shared))
	}
	if note := r.unseen(); note != "" {
		r.notes = append(r.notes, note)
	}
	result.Notes = r.notes
	result.PlanText = planText(result.Plan)
	result.Validity = validity(result.Generator, result.Approvals, t.Intended)
	for i := range r.settings.thresholds {
		result.Thresholds = append(result.Thresholds, r.settings.thresholds[i].judge(m))
	}
	result.judge()
}

// unseen says that the run was too short for the interval that was advertised: a
// device has to poll twice before anything is known of its pace.
func (r *run) unseen() string {
	interval := time.Duration(r.interval.Load()) * time.Second
	length := time.Duration(r.settings.duration)
	if r.settings.issueOnly || interval <= 0 || 2*interval <= length {
		return ""
	}
	return fmt.Sprintf("devices poll every %s and the run took %s, so hardly any device polls twice and slow_down cannot be measured; use a longer duration", interval, length)
}

// validity says whether the generator was in time, and its approvers at work.
func validity(g Generator, a Approvals, intended int64) Validity {
	v := Validity{Valid: true}
	because := func(format string, args ...any) {
		v.Valid = false
		v.Reasons = append(v.Reasons, fmt.Sprintf(format, args...))
	}
	if g.Lateness.P99MS > mostLatenessMS {
		because("the generator dequeued 1 in 100 requests %.1f ms late or more (limit %.0f ms)", g.Lateness.P99MS, mostLatenessMS)
	}
	if g.LongestGapMS > mostGapMS {
		because("the generator stalled for %.0f ms (limit %.0f ms)", g.LongestGapMS, mostGapMS)
	}
	if due := float64(intended + g.Unsent); g.Unsent > 0 && float64(intended) < leastSent*due {
		because("the generator dequeued %.2f %% of the polls that were due (minimum %.4g %%)", 100*float64(intended)/due, 100*leastSent)
	}
	if a.Failed > a.Done {
		because("%d of %d decisions failed, so the load was not the planned one (first failure: %s)", a.Failed, a.Asked, a.FirstFailure)
	}
	return v
}

// judge decides about the run. What the server did comes last: a late generator
// says nothing about it, but a broken ledger is no matter of time.
func (r *Result) judge() {
	r.Verdict, r.ExitCode = Held, ExitHeld
	missed := !r.Ledger.Clean || r.Aborted != ""
	for _, t := range r.Thresholds {
		missed = missed || t.Measured && !t.OK
	}
	switch {
	case r.Interrupted:
		r.Verdict, r.ExitCode = Stopped, ExitInterrupted
	case !r.Validity.Valid && r.Ledger.Clean:
		r.Verdict, r.ExitCode = Invalid, ExitInvalid
	case missed:
		r.Verdict, r.ExitCode = Missed, ExitMissed
	case r.served() == 0 && r.measured() == 0:
		r.Verdict, r.ExitCode = Invalid, ExitInvalid
		r.Validity.Valid = false
		r.Validity.Reasons = append(r.Validity.Reasons, "no request ended in the measured window")
	case r.served() == 0:
		r.Verdict, r.ExitCode = Missed, ExitMissed
		r.Notes = append(r.Notes, "no request in the measured window got a device grant response")
	}
}

// measured counts the requests of the measured window, served those that were
// answered with codes, tokens, or an error code of the grant.
func (r *Result) measured() (n int64) {
	for _, c := range r.Requests {
		n += c.Measured
	}
	return n
}

func (r *Result) served() (n int64) {
	for o := outcomeCodes; o <= outcomeInvalidGrant; o++ {
		for _, c := range r.Requests {
			if c.Answer == o.String() {
				n += c.Measured
			}
		}
	}
	return n
}

func (r *run) rates(result *Result, t *tally, span float64) {
	per := func(n int64) float64 {
		if span <= 0 {
			return 0
		}
		return math.Round(float64(n)/span*100) / 100
	}
	result.Rates = Rates{PollsIntended: per(t.Intended), PollsSent: per(t.Sent), PollsAnswered: per(t.measured(kindPoll, outcome.answered)),
		Issued: per(t.Measured[kindIssue][outcomeCodes]), Tokens: per(t.Measured[kindPoll][outcomeToken])}
}

// latencies are those of each kind, and of each of its answers.
func latencies(t *tally) (list []Latency) {
	for _, k := range []kind{kindPoll, kindIssue} {
		all := t.all(k)
		if all.TotalCount() == 0 {
			continue
		}
		list = append(list, Latency{Kind: k.String(), Quantiles: quantiles(all), Spectrum: spectrum(all),
			Censored: t.Measured[k][outcomeCensored], TimedOut: t.Measured[k][outcomeTimedOut]})
		for o := range outcomes {
			if h := t.Latency[k][o]; h != nil {
				list = append(list, Latency{Kind: k.String(), Answer: o.String(), Quantiles: quantiles(h)})
			}
		}
	}
	return list
}

func (r *run) transports(result *Result, t *tally) {
	x := Transports{Name: r.transport.Name(), Policy: r.settings.plan.Connections.Policy, Dialled: t.Dialled, Resent: t.Resent,
		MaxOpen: r.settings.connections, Failures: t.failures()}
	for _, s := range r.all {
		x.PeakOpen += len(s.connections.all)
	}
	for f, text := range t.FirstFailures {
		if text != "" {
			if x.FirstFailures == nil {
				x.FirstFailures = map[string]string{}
			}
			x.FirstFailures[transport.Failure(f).String()] = strings.ToValidUTF8(clipped(text), "?")
		}
	}
	result.Transport = x
}

func (r *run) generator(result *Result, t *tally) {
	p := &r.sampler
	g := Generator{Lateness: quantiles(t.Lateness), Wait: quantiles(t.Wait), Shards: r.shards, PeakRSS: p.peakRSS, BaseRSS: p.baseRSS, Records: r.o.Records}
	for _, s := range r.all {
		g.LongestGapMS = max(g.LongestGapMS, milliseconds(s.gap))
		g.Unsent += s.unsent()
	}
	if p.measuring.Load() && p.atTo > p.atFrom {
		used := p.cpuTo - p.cpuFrom
		g.CPUSeconds = seconds(int64(used))
		g.CPUShare = math.Round(float64(used)/float64(p.atTo-p.atFrom)*1000) / 1000
		if polls := result.Rates.PollsAnswered * (result.MeasuredToS - result.MeasuredFromS); polls > 0 {
			g.CPUPer1000 = math.Round(float64(used)/1e6/polls*1000*100) / 100
		}
	}
	if n := r.settings.devices; p.peakRSS > p.baseRSS && p.baseRSS > 0 {
		g.BytesPerDevice = math.Round(float64(p.peakRSS-p.baseRSS) / float64(n))
	}
	result.Generator = g
}
