package loadgen

import (
	"encoding/json"
	"math"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// Schema names the form of a [Result] in JSON. It is only ever extended.
const Schema = "devicegrant/load/1"

// Result is the outcome of a load run: load.json. All times count from the
// start of the run, on the generator's monotonic clock.
type Result struct {
	Schema  string `json:"schema"`
	Tool    string `json:"tool"`
	Target  Target `json:"target"`
	Started string `json:"started"` // RFC 3339, the only wall-clock time
	// Plan is the effective plan, with all defaults.
	Plan profiles.Plan `json:"-"`
	// PlanText is Plan as JSON, with the same keys as in YAML.
	PlanText json.RawMessage `json:"plan"`

	Verdict  Verdict  `json:"verdict"`
	ExitCode int      `json:"exit_code"`
	Validity Validity `json:"validity"`
	// Thresholds are those of the plan, in its order.
	Thresholds []ThresholdResult `json:"thresholds"`
	// Interrupted says that the user ended the run; Aborted names the threshold
	// that did.
	Interrupted bool   `json:"interrupted,omitempty"`
	Aborted     string `json:"aborted,omitempty"`

	// MeasuredFromS and MeasuredToS bound the window of the figures: after the
	// warm-up, before the drain.
	MeasuredFromS float64 `json:"measured_from_s"`
	MeasuredToS   float64 `json:"measured_to_s"`
	EndedS        float64 `json:"ended_s"`

	Devices  DeviceCounts   `json:"devices"`
	Requests []RequestCount `json:"requests"`
	Rates    Rates          `json:"rates"`
	// Latencies has one entry for each kind of request and answer, counted from
	// the intended instant, and "poll" and "issue" for all answers of a kind.
	Latencies []Latency  `json:"latencies"`
	SlowDown  SlowDown   `json:"slow_down"`
	Tokens    Tokens     `json:"tokens"`
	Expiry    Expiry     `json:"expiry"`
	Fairness  Fairness   `json:"fairness"`
	Approvals Approvals  `json:"approvals"`
	Ledger    Ledger     `json:"ledger"`
	Transport Transports `json:"transport"`
	Generator Generator  `json:"generator"`
	// Timeline has one point per second, or fewer for long runs.
	Timeline []Moment `json:"timeline"`
	// Samples are a few exchanges of each kind and answer, redacted.
	Samples []Sample `json:"samples,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	// Capacity is the result of a capacity search, of which this is the last
	// run.
	Capacity *Capacity `json:"capacity,omitempty"`
}

// Verdict is the overall outcome of a run.
type Verdict string

// The verdicts. An invalid run says nothing about the server, whatever its
// figures are.
const (
	Held    Verdict = "pass"
	Missed  Verdict = "fail"
	Invalid Verdict = "invalid"
	Stopped Verdict = "interrupted"
)

// Target is the server under load.
type Target struct {
	Name                string  `json:"name"`
	Profile             string  `json:"profile"`
	Issuer              string  `json:"issuer,omitempty"`
	Kind                string  `json:"kind"` // real or simulated
	Fidelity            string  `json:"fidelity,omitempty"`
	Token               string  `json:"token_endpoint"`
	DeviceAuthorization string  `json:"device_authorization_endpoint"`
	IntervalS           float64 `json:"interval_s"`   // as advertised in the first answer
	ExpiresInS          float64 `json:"expires_in_s"` // the same
}

// Validity says whether the generator was on time.
type Validity struct {
	Valid   bool     `json:"valid"`
	Reasons []string `json:"reasons,omitempty"`
}

// ThresholdResult is one threshold and its outcome.
type ThresholdResult struct {
	Text     string  `json:"text"`     // poll_latency p(99)<250ms
	Observed string  `json:"observed"` // 12.3ms
	Value    float64 `json:"value"`    // in the threshold's unit
	OK       bool    `json:"ok"`
	// Measured is false if there was nothing to measure: for example, no token.
	Measured bool `json:"measured"`
}

// DeviceCounts counts devices over the whole run.
type DeviceCounts struct {
	Started   int `json:"started"` // requested codes
	Issued    int `json:"issued"`  // got them
	Approved  int `json:"approved"`
	Denied    int `json:"denied"`
	Tokens    int `json:"tokens"`    // got a token
	Refused   int `json:"refused"`   // got access_denied
	Expired   int `json:"expired"`   // got expired_token, or their codes expired
	Abandoned int `json:"abandoned"` // stopped without a decision
	Failed    int `json:"failed"`    // ended by any other answer
	// Forgotten are those of the failed whose codes the target ended before
	// their lifetime and before a decision: invalid_grant, or an early
	// expired_token.
	Forgotten int `json:"forgotten"`
	Waiting   int `json:"waiting"` // still polling at the end
	Peak      int `json:"peak"`    // polling at once
}

// RequestCount counts the requests of a kind (issue, poll) with one answer.
type RequestCount struct {
	Kind   string `json:"kind"`
	Answer string `json:"answer"`
	// Count is over the whole run, Measured in the measured window.
	Count    int64 `json:"count"`
	Measured int64 `json:"measured"`
}

// Rates are per second of the measured window.
type Rates struct {
	PollsIntended float64 `json:"polls_intended"`
	PollsSent     float64 `json:"polls_sent"`
	PollsAnswered float64 `json:"polls_answered"`
	Issued        float64 `json:"issued"`
	Tokens        float64 `json:"tokens"`
}

// Quantiles of a histogram, in milliseconds.
type Quantiles struct {
	Count   int64   `json:"count"`
	MinMS   float64 `json:"min_ms"`
	MeanMS  float64 `json:"mean_ms"`
	P50MS   float64 `json:"p50_ms"`
	P75MS   float64 `json:"p75_ms"`
	P90MS   float64 `json:"p90_ms"`
	P99MS   float64 `json:"p99_ms"`
	P999MS  float64 `json:"p99_9_ms"`
	P9999MS float64 `json:"p99_99_ms"`
	MaxMS   float64 `json:"max_ms"`
}

// Latency is the distribution for one kind of request and answer.
type Latency struct {
	Kind   string `json:"kind"`             // issue or poll
	Answer string `json:"answer,omitempty"` // empty: all
	Quantiles
	// Censored counts requests without a response at the end of the run. They
	// are in the distribution with their age, which is less than their true
	// latency.
	Censored int64 `json:"censored,omitempty"`
	TimedOut int64 `json:"timed_out,omitempty"`
	// Spectrum is the percentile spectrum, for plots.
	Spectrum []SpectrumPoint `json:"spectrum,omitempty"`
}

// SpectrumPoint says that the share Quantile (0 to 1) of the values is at most
// MS.
type SpectrumPoint struct {
	Quantile float64 `json:"q"`
	MS       float64 `json:"ms"`
}

// SlowDown says how the target slows devices down under load.
type SlowDown struct {
	// Obedient are polls that waited at least the current interval since the
	// previous poll, Hurried those that did not. Forgetful are polls of devices
	// that were told to slow down but returned to the advertised interval.
	Obedient  PollShare `json:"obedient"`
	Hurried   PollShare `json:"hurried"`
	Forgetful PollShare `json:"forgetful"`
	// AfterGrowth are the polls of obedient devices after a slow_down, at their
	// longer interval: a server that slows those down again is never satisfied.
	AfterGrowth PollShare `json:"after_growth"`
	// ObedientDevices counts obedient devices that were slowed down.
	ObedientDevices int `json:"obedient_devices"`
	// AtRest is what a single device got before the load; Class and Reading
	// compare the two.
	AtRest          *AtRest `json:"at_rest,omitempty" add:"-"`
	Class           string  `json:"class" add:"-"`
	Reading         string  `json:"reading" add:"-"`
	TooManyRequests int64   `json:"status_429"`
	Unavailable     int64   `json:"status_503"`
}

// PollShare says how many of some polls got slow_down.
type PollShare struct {
	Polls     int64   `json:"polls"`
	SlowDowns int64   `json:"slow_downs"`
	Share     float64 `json:"share" add:"-"`
}

// AtRest is what a single device got: after the advertised interval, too early,
// at the advertised interval after that slow_down, and five seconds later, as
// section 3.5 requires.
type AtRest struct {
	Obedient  string `json:"obedient"`
	Hurried   string `json:"hurried"`
	Forgetful string `json:"forgetful"`
	Grown     string `json:"grown"`
	Class     string `json:"class"`
}

// Tokens says how long approved devices wait.
type Tokens struct {
	// TimeToToken counts from the acknowledged approval. Excess counts from the
	// first poll that was intended after it: the server's part.
	TimeToToken Quantiles `json:"time_to_token"`
	Excess      Quantiles `json:"excess"`
	// PollsMax and PollsMean are how many polls after the approval it took to
	// get the token: 1 is best.
	PollsMax  int     `json:"polls_max"`
	PollsMean float64 `json:"polls_mean"`
}

// Expiry compares when codes expire with expires_in.
type Expiry struct {
	Heard int `json:"heard"` // devices that got expired_token
	// EarlyMaxMS is how long before the end of expires_in a code was called
	// expired at worst, LateMaxMS how long after it one was still pending.
	Early int `json:"early"`
	// EarlyMaxMS is the longest time before the end of expires_in at which a
	// code was reported as expired; LateMaxMS is the longest time after it at
	// which one was still pending.
	EarlyMaxMS float64 `json:"early_max_ms" add:"max"`
	Late       int     `json:"late"`
	LateMaxMS  float64 `json:"late_max_ms" add:"max"`
}

// Fairness compares devices by their mean latency.
type Fairness struct {
	Devices int     `json:"devices"`
	Jain    float64 `json:"jain"` // 1: all the same; 1/Devices: one gets everything
	P1MS    float64 `json:"p1_ms"`
	P50MS   float64 `json:"p50_ms"`
	P99MS   float64 `json:"p99_ms"`
	// LongestGapMS is the longest that a device waited for a response beyond
	// its interval.
	LongestGapMS float64 `json:"longest_gap_ms"`
}

// Approvals is what the approver did.
type Approvals struct {
	Driver string `json:"driver"`
	Asked  int    `json:"asked"`
	Done   int    `json:"done"`
	Failed int    `json:"failed"`
	// FirstFailure is the reason of the first failure.
	FirstFailure string    `json:"first_failure,omitempty"`
	Took         Quantiles `json:"took"`
	// Late is how long decisions waited for a free approver.
	Late   Quantiles `json:"late"`
	Canary *Canary   `json:"canary,omitempty"`
}

// Canary approves a device in a real browser from time to time.
type Canary struct {
	Journeys     int       `json:"journeys"`
	Failed       int       `json:"failed"`
	FirstFailure string    `json:"first_failure,omitempty"`
	Took         Quantiles `json:"took"`
}

// Ledger is LOAD-01: each approved device gets one token, no other device gets
// any, and no token is issued twice.
type Ledger struct {
	Clean    bool `json:"clean"`
	Approved int  `json:"approved"`
	Tokens   int  `json:"tokens"` // answers with a token
	Greedy   int  `json:"greedy"` // devices that redeemed their code several times
	// Ambiguous are approved devices without a token that lost a response: it
	// is unknown whether that response had the token.
	Ambiguous int `json:"ambiguous"`
	// Open are approved devices that could not poll again before the end.
	Open int `json:"open"`
	// Replayed are answers with a token that the same device already had: a used
	// code is still worth something. Servers may answer a lost response in this
	// way on purpose, so it breaks nothing; POLL-14 of a conformance run judges it.
	Replayed int `json:"replayed,omitempty"`
	// Starved are approved devices that received nothing but slow_down since;
	// StarvedHasty are those among the impatient, which ignore it.
	Starved      int         `json:"starved,omitempty"`
	StarvedHasty int         `json:"starved_hasty,omitempty"`
	Violations   []Violation `json:"violations,omitempty"`
}

// Violation is one broken rule of the ledger, with examples.
type Violation struct {
	Code     string    `json:"code"` // two-tokens, token-without-approval, ...
	Title    string    `json:"title"`
	Count    int       `json:"count"`
	Examples []Example `json:"examples"`
}

// Example is one device and what it saw.
type Example struct {
	Device    uint32        `json:"device"`
	What      string        `json:"what"`
	History   []HistoryLine `json:"history"`
	Exchanges []Sample      `json:"exchanges,omitempty"`
}

// HistoryLine is one request of a device. Times count from the start of the
// run.
type HistoryLine struct {
	SentMS     float64 `json:"sent_ms"`
	AnsweredMS float64 `json:"answered_ms"`
	Kind       string  `json:"kind"`
	Answer     string  `json:"answer"`
	Status     int     `json:"status"`
}

// Sample is one exchange, redacted: marks replace secrets, and equal values
// have equal marks.
type Sample struct {
	Device     uint32  `json:"device"`
	Kind       string  `json:"kind"`
	Answer     string  `json:"answer"`
	SentMS     float64 `json:"sent_ms"`
	AnsweredMS float64 `json:"answered_ms"`
	Request    string  `json:"request"`
	Status     int     `json:"status"`
	Response   string  `json:"response"`
}

// Transports describes the connections.
type Transports struct {
	Name          string            `json:"name"`   // lean or net/http
	Policy        string            `json:"policy"` // reuse, per-device or per-poll
	Dialled       int64             `json:"dialled"`
	Resent        int64             `json:"resent"` // on a new connection, after a kept one was closed
	PeakOpen      int               `json:"peak_connections"`
	MaxOpen       int               `json:"max_connections"`
	Failures      map[string]int64  `json:"failures"` // by kind: dial, tls, timeout, reset, malformed, too-large
	FirstFailures map[string]string `json:"first_failures,omitempty"`
}

// Generator describes the load generator's own performance.
type Generator struct {
	Lateness       Quantiles `json:"lateness"`        // dequeued minus intended: the generator's part
	Wait           Quantiles `json:"connection_wait"` // sent minus dequeued
	LongestGapMS   float64   `json:"longest_gap_ms"`  // between two readings of the clock
	Unsent         int64     `json:"unsent"`          // due in the window and never dequeued
	Shards         int       `json:"shards"`
	CPUSeconds     float64   `json:"cpu_s"`     // of the process in the measured window
	CPUShare       float64   `json:"cpu_share"` // of one core
	CPUPer1000     float64   `json:"cpu_ms_per_1000_polls"`
	PeakRSS        int64     `json:"peak_rss_bytes"`
	BaseRSS        int64     `json:"base_rss_bytes"` // before the first device
	BytesPerDevice float64   `json:"rss_bytes_per_device"`
	Records        string    `json:"records,omitempty"` // the file with one record for each request
}

// Moment is one second of the run, or several in a long run.
type Moment struct {
	AtS      float64 `json:"at_s"` // the end of it
	SpanS    float64 `json:"span_s"`
	Waiting  int     `json:"waiting"` // devices that poll
	InFlight int     `json:"in_flight"`
	Queued   int     `json:"queued"` // due, and waiting for a connection
	AnswerCounts
	Ended         int     `json:"ended"` // devices, since the start
	P50MS         float64 `json:"p50_ms"`
	P99MS         float64 `json:"p99_ms"`
	MaxMS         float64 `json:"max_ms"`
	LatenessP99MS float64 `json:"lateness_p99_ms"`
	Measured      bool    `json:"measured"`
}

// AnswerCounts are the answers in a moment.
type AnswerCounts struct {
	Polls     int64 `json:"polls"`
	Issued    int64 `json:"issued"`
	Tokens    int64 `json:"tokens"`
	SlowDowns int64 `json:"slow_downs"`
	Errors    int64 `json:"errors"`
}

// Joined merges a moment with the next one. Quantiles cannot be added, so the
// worse one is kept.
func (m Moment) Joined(next Moment) Moment {
	next.SpanS = math.Round((m.SpanS+next.SpanS)*1000) / 1000
	addUp(&next.AnswerCounts, &m.AnswerCounts)
	next.P50MS, next.P99MS, next.MaxMS = max(m.P50MS, next.P50MS), max(m.P99MS, next.P99MS), max(m.MaxMS, next.MaxMS)
	next.LatenessP99MS = max(m.LatenessP99MS, next.LatenessP99MS)
	next.Measured = m.Measured && next.Measured
	return next
}

// Capacity is the result of a search for the target's limit.
type Capacity struct {
	SLO   []string `json:"slo"`
	Steps []Step   `json:"steps"`
	// Devices and Polls are the largest load that held, and held again.
	Devices int     `json:"devices"`
	Polls   float64 `json:"polls_per_s"`
	// Broke says what failed first, and BrokeDevices at how many devices.
	Broke        string `json:"broke"`
	BrokeDevices int    `json:"broke_devices"`
	// Bound says why the search ended before anything failed: the generator,
	// the time, or the maximum number of devices.
	Bound string `json:"bound,omitempty"`
}

// Step is one run of the search.
type Step struct {
	Devices  int     `json:"devices"`
	Polls    float64 `json:"polls_per_s"`
	P50MS    float64 `json:"p50_ms"`
	P99MS    float64 `json:"p99_ms"`
	Errors   float64 `json:"error_rate"`
	Held     bool    `json:"held"`
	Confirms bool    `json:"confirms,omitempty"`
	Broke    string  `json:"broke,omitempty"`
	TookS    float64 `json:"took_s"`
}

// seconds and milliseconds are how the result writes times.
func seconds(ns int64) float64      { return float64(ns/1e6) / 1e3 }
func milliseconds(ns int64) float64 { return float64(ns/1e3) / 1e3 }

// now is the wall clock, for the head of the result only.
func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
