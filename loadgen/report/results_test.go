package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/devicegrant/devicegrant/loadgen"
)

// hostile is what a target may answer: markup, the end of a CDATA section,
// control characters, a change of direction, bytes that are no text.
const hostile = "</pre><script>alert(1)</script>]]>\x00\x1b[31m\x9b\u202egnp.exe\r\n{{.Style}} ' \" onerror= \xff"

var huge = strings.Repeat("<b>&\"", 100_000)

// rich is a run of ten minutes in which everything happened.
func rich() loadgen.Result {
	poll := quantiles(11_400_000, 2.1)
	sample := loadgen.Sample{
		Device: 4711, Kind: "poll", Answer: "authorization_pending", SentMS: 61_204.113, AnsweredMS: 61_206.871, Status: 400,
		Request:  "POST /token HTTP/1.1\r\nHost: login.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=[device_code 3f]&client_id=tv",
		Response: "Content-Type: application/json\r\n\r\n{\"error\":\"authorization_pending\"}",
	}
	wicked := sample
	wicked.Answer, wicked.Response = hostile, huge
	return loadgen.Result{
		Schema: loadgen.Schema, Tool: "devicegrant 0.9", Started: "2026-11-23T16:00:00Z",
		Target: loadgen.Target{
			Name: "Keycloak " + hostile, Profile: "keycloak", Issuer: "https://login.example.com/realms/tv", Kind: "simulated",
			Fidelity:            "Answers as Keycloak 26 does in these recordings; its database is not simulated.",
			Token:               "https://login.example.com/realms/tv/protocol/openid-connect/token",
			DeviceAuthorization: "javascript:alert('x')//https://login.example.com/realms/tv/protocol/openid-connect/auth/device",
			IntervalS:           5, ExpiresInS: 600,
		},
		PlanText: []byte(`{"workload":"steady","devices":100000,"duration":"10m0s","seed":7,"mix":{"approve":0.9,"deny":0.02},"note":"</pre><script>"}`),
		Verdict:  loadgen.Missed, ExitCode: 1,
		Validity: loadgen.Validity{Valid: true},
		Thresholds: []loadgen.ThresholdResult{
			{Text: "poll_latency p(99)<250ms", Observed: "18.4ms", Value: 18.4, OK: true, Measured: true},
			{Text: "time_to_token p(99)<2s abort", Observed: "3.21s", Value: 3.21, Measured: true},
			{Text: "slow_down_obedient rate<0.001", Observed: "0.0123", Value: 0.0123, Measured: true},
			{Text: "canary_journey p(95)<10s", OK: true},
			{Text: "issue_latency max<" + hostile, Observed: "NaN" + hostile, Value: math.NaN()},
		},
		Aborted:       "time_to_token p(99)<2s abort",
		MeasuredFromS: 60, MeasuredToS: 570, EndedS: 600.4,
		Devices: loadgen.DeviceCounts{Started: 131_204, Issued: 131_190, Approved: 90_112, Denied: 2_011, Tokens: 90_040, Refused: 2_010, Expired: 311, Abandoned: 1_904, Failed: 14, Forgotten: 11, Waiting: 36_911, Peak: 100_000},
		Requests: []loadgen.RequestCount{
			{Kind: "poll", Answer: "authorization_pending", Count: 11_500_000, Measured: 9_900_000},
			{Kind: "poll", Answer: "slow_down", Count: 123_456, Measured: 120_000},
			{Kind: "poll", Answer: "token", Count: 90_040, Measured: 80_100},
			{Kind: "poll", Answer: huge, Count: 3, Measured: 3},
			{Kind: "issue", Answer: "ok", Count: 131_190, Measured: 40_000},
			{Kind: "issue", Answer: hostile, Count: 14, Measured: 1},
		},
		Rates: loadgen.Rates{PollsIntended: 20_000, PollsSent: 19_998.7, PollsAnswered: 19_996.2, Issued: 218.4, Tokens: 150.2},
		Latencies: []loadgen.Latency{
			{Kind: "poll", Quantiles: poll, Censored: 12, TimedOut: 5, Spectrum: fullSpectrum(poll.Count, 2.1)},
			{Kind: "poll", Answer: "authorization_pending", Quantiles: quantiles(11_200_000, 2)},
			{Kind: "poll", Answer: "slow_down", Quantiles: quantiles(123_456, 2.2)},
			{Kind: "poll", Answer: "token", Quantiles: quantiles(90_040, 6)},
			{Kind: "poll", Answer: hostile, Quantiles: loadgen.Quantiles{Count: 3, P50MS: math.NaN(), P99MS: math.Inf(1), MaxMS: math.Inf(-1)}},
			{Kind: "issue", Quantiles: quantiles(131_190, 9), Spectrum: fullSpectrum(131_190, 9)},
		},
		SlowDown: loadgen.SlowDown{
			Obedient:        loadgen.PollShare{Polls: 9_000_000, SlowDowns: 110_700, Share: 0.0123},
			Hurried:         loadgen.PollShare{Polls: 40_000, SlowDowns: 39_998, Share: 0.99995},
			Forgetful:       loadgen.PollShare{Polls: 12_000, SlowDowns: 3_000, Share: 0.25},
			AfterGrowth:     loadgen.PollShare{Polls: 200_000, SlowDowns: 2, Share: 0.00001},
			ObedientDevices: 61_000,
			AtRest:          &loadgen.AtRest{Obedient: "authorization_pending", Hurried: "slow_down", Forgetful: hostile, Grown: "authorization_pending", Class: "slows down who hurries"},
			Class:           "slows down the obedient under load",
			Reading:         "At rest only devices that hurry are slowed down; under load obedient ones are, too. Their interval grows by five seconds each time and for good, so waiting people get their token later.",
			TooManyRequests: 17, Unavailable: 4,
		},
		Tokens:   loadgen.Tokens{TimeToToken: quantiles(90_040, 2600), Excess: quantiles(90_040, 7), PollsMax: 4, PollsMean: 1.02},
		Expiry:   loadgen.Expiry{Heard: 300, Early: 2, EarlyMaxMS: 812.4, Late: 11, LateMaxMS: 4_900},
		Fairness: loadgen.Fairness{Devices: 100_000, Jain: 0.9871, P1MS: 1.9, P50MS: 2.4, P99MS: 9.8, LongestGapMS: 12_345},
		Approvals: loadgen.Approvals{
			Driver: "hook", Asked: 92_140, Done: 92_123, Failed: 17, FirstFailure: "POST /approve: 500 " + hostile,
			Took: quantiles(92_123, 4), Late: quantiles(92_123, 0.4),
			Canary: &loadgen.Canary{Journeys: 20, Failed: 1, FirstFailure: hostile, Took: quantiles(19, 1400)},
		},
		Ledger: loadgen.Ledger{
			Approved: 90_112, Tokens: 90_042, Greedy: 100, Ambiguous: 3, Open: 67,
			Violations: []loadgen.Violation{{
				Code: "two-tokens", Title: "a device got two tokens", Count: 2,
				Examples: []loadgen.Example{{
					Device: 4711, What: "two tokens for one code, 1.2 s apart " + hostile,
					History: []loadgen.HistoryLine{
						{SentMS: 1_204.1, AnsweredMS: 1_212.9, Kind: "issue", Answer: "ok", Status: 200},
						{SentMS: 61_204.1, AnsweredMS: 61_206.8, Kind: "poll", Answer: "token", Status: 200},
						{SentMS: 61_204.2, Kind: "poll", Answer: hostile},
					},
					Exchanges: []loadgen.Sample{sample, wicked},
				}, {Device: 12, What: "the same"}},
			}, {Code: "token-without-approval", Title: "a device that nobody approved got a token " + hostile, Count: 1}},
		},
		Transport: loadgen.Transports{
			Name: "lean", Policy: "reuse", Dialled: 4_100, Resent: 12, PeakOpen: 2_048, MaxOpen: 4_096,
			Failures:      map[string]int64{"timeout": 5, "reset": 40, hostile: 1},
			FirstFailures: map[string]string{"reset": "read tcp 10.0.0.1:41234->10.0.0.2:443: connection reset by peer", hostile: huge},
		},
		Generator: loadgen.Generator{
			Lateness: quantiles(11_531_190, 0.05), Wait: quantiles(11_531_190, 0.02), LongestGapMS: 3.1, Unsent: 0, Shards: 8,
			CPUSeconds: 412.7, CPUShare: 0.809, CPUPer1000: 40.4, PeakRSS: 412 << 20, BaseRSS: 31 << 20, BytesPerDevice: 3_995, Records: "records.csv.zst",
		},
		Timeline: timeline(600),
		Samples:  []loadgen.Sample{sample, wicked},
		Notes:    []string{"The target answered 1.02 times as fast at the end as in the beginning.", hostile},
		Capacity: &loadgen.Capacity{
			SLO: []string{"poll_latency p(99)<250ms", "error_rate<0.001"}, Devices: 84_000, Polls: 16_800, BrokeDevices: 120_000, Broke: "poll_latency p(99): 812ms " + hostile,
			Steps: []loadgen.Step{
				{Devices: 30_000, Polls: 6_000, P50MS: 1.9, P99MS: 6.2, Held: true, TookS: 60},
				{Devices: 60_000, Polls: 12_000, P50MS: 2.2, P99MS: 14.1, Held: true, TookS: 60},
				{Devices: 120_000, Polls: 21_300, P50MS: 31, P99MS: 812, Errors: 0.0123, Broke: "poll_latency " + hostile, TookS: 60},
				{Devices: 84_000, Polls: 16_800, P50MS: 3, P99MS: 61, Held: true, TookS: 60},
				{Devices: 100_000, Polls: 19_700, P50MS: 9, P99MS: 391, Broke: "poll_latency", TookS: 60},
				{Devices: 84_000, Polls: 16_790, P50MS: 3, P99MS: 64, Held: true, Confirms: true, TookS: 60},
				{Devices: 1, Polls: math.NaN(), P99MS: math.Inf(1), TookS: math.NaN()},
			},
		},
	}
}

// quantiles are those of a long tail above a median.
func quantiles(n int64, median float64) loadgen.Quantiles {
	return loadgen.Quantiles{
		Count: n, MinMS: median / 3, MeanMS: median * 1.2, P50MS: median, P75MS: median * 1.5, P90MS: median * 2.1,
		P99MS: median * 8.7, P999MS: median * 21, P9999MS: median * 60, MaxMS: median * 140,
	}
}

// fullSpectrum is the same as a percentile spectrum, up to the maximum.
func fullSpectrum(n int64, median float64) []loadgen.SpectrumPoint {
	var out []loadgen.SpectrumPoint
	for x := 1.0; x < float64(n); x *= 1.15 {
		tail := math.Pow(x/2, 0.33)
		if x > 500 { // a second speed
			tail += 6
		}
		out = append(out, loadgen.SpectrumPoint{Quantile: 1 - 1/x, MS: median * tail})
	}
	return append(out, loadgen.SpectrumPoint{Quantile: 1, MS: median * 140})
}

// timeline has a stall without answers at half of its time, and figures that
// are none.
func timeline(n int) []loadgen.Moment {
	var out []loadgen.Moment
	for i := range n {
		t := float64(i + 1)
		wave := 1 + 0.3*math.Sin(t/17)*math.Sin(t/5)
		m := loadgen.Moment{
			AtS: t, SpanS: 1, Waiting: min(100_000, 2_000*(i+1)), InFlight: 60, Ended: 150 * i,
			P50MS: 2.1 * wave, P99MS: 18 * wave, MaxMS: 60 * wave * (1 + float64(i%7)), LatenessP99MS: 0.4 * wave,
			Measured:     i >= 60 && i < 570,
			AnswerCounts: loadgen.AnswerCounts{Polls: int64(min(20_000, 400*(i+1))), Issued: int64(2000 / (1 + i/50)), Tokens: int64(150 * wave), SlowDowns: int64(max(0, i-200) / 2)},
		}
		if i%40 == 0 {
			m.Errors = 3
		}
		if i >= n/2 && i < n/2+8 { // the server stalls
			m.Polls, m.Issued, m.Tokens, m.P50MS, m.P99MS, m.MaxMS = 0, 0, 0, 0, 0, 0
		}
		if i == n/2+8 {
			m.P99MS, m.MaxMS = 8_100, 8_400
		}
		if i == 5 {
			m.P50MS, m.P99MS, m.MaxMS = math.NaN(), math.Inf(1), math.Inf(1)
		}
		out = append(out, m)
	}
	return out
}

// variants are runs whose reports have to be written, whatever is in them.
func variants() map[string]loadgen.Result {
	out := map[string]loadgen.Result{"rich": rich(), "minimal": {}}
	late := rich()
	late.Verdict, late.Aborted = loadgen.Invalid, ""
	late.Validity = loadgen.Validity{Reasons: []string{"lateness p99 41 ms is more than 10 ms", hostile}}
	out["invalid"] = late
	stopped := rich()
	stopped.Verdict, stopped.Interrupted, stopped.Capacity, stopped.Timeline = loadgen.Stopped, true, nil, timeline(2)
	out["interrupted"] = stopped
	held := rich()
	held.Verdict, held.Thresholds, held.Aborted = loadgen.Held, held.Thresholds[:1], ""
	held.Ledger = loadgen.Ledger{Clean: true, Approved: 90_112, Tokens: 90_112}
	held.Timeline = timeline(3_700)
	out["held"] = held
	odd := rich()
	for i := range odd.Timeline {
		odd.Timeline[i] = loadgen.Moment{AtS: math.NaN(), SpanS: math.Inf(1), P99MS: math.Inf(-1)}
	}
	odd.MeasuredFromS, odd.MeasuredToS, odd.EndedS = math.NaN(), math.Inf(1), math.Inf(1)
	odd.Rates, odd.Transport.FirstFailures, odd.PlanText = loadgen.Rates{PollsIntended: math.NaN(), PollsAnswered: math.Inf(1)}, nil, []byte("no JSON "+hostile)
	odd.Latencies = []loadgen.Latency{{Kind: "poll", Quantiles: loadgen.Quantiles{Count: 1}, Spectrum: []loadgen.SpectrumPoint{{Quantile: math.NaN(), MS: 1}, {Quantile: 1, MS: 0}, {Quantile: 0.5, MS: math.Inf(1)}, {Quantile: 2, MS: -4}}}}
	out["odd"] = odd
	for i := range 200 {
		many := &odd.Requests
		*many = append(*many, loadgen.RequestCount{Kind: "poll", Answer: fmt.Sprintf("error-%d", i)})
	}
	out["many"] = odd
	return out
}
