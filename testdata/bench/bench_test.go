//go:build linux

package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// loadJSON is a load.json of 10 s with what the table reads of it.
func loadJSON(t *testing.T, polls, cpu, p99 float64, validity string) document {
	t.Helper()
	d, err := readDocument(fmt.Appendf(nil, `{"schema": "devicegrant/load/1", "validity": %s,
		"measured_from_s": 11, "measured_to_s": 21, "rates": {"polls_answered": %g},
		"latencies": [{"kind": "issue", "p99_ms": 1}, {"kind": "poll", "answer": "authorization_pending", "p99_ms": 2}, {"kind": "poll", "p99_ms": %g}],
		"generator": {"lateness": {"p50_ms": 0.5, "p99_ms": 1.25, "max_ms": 7}, "cpu_s": %g, "cpu_share": %g,
			"cpu_ms_per_1000_polls": %g, "rss_bytes_per_device": 1408.4}}`, validity, polls, p99, cpu, cpu/10, 1e5*cpu/polls))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTable(t *testing.T) {
	const valid, late = `{"valid": true}`, `{"valid": false, "reasons": ["it was late", "it was slow"]}`
	r := results{place: place{server: 2, generator: 5, taskset: "/usr/bin/taskset"}, rounds: 3}
	for _, polls := range []float64{90_000, 120_000, 100_000} {
		r.closed = append(r.closed, closedLoop{
			wrk: &usage{polls: 500_000, cpu: 4, seconds: 4}, netHTTP: usage{polls: 160_000, cpu: 4, seconds: 4},
			devicegrant: loadJSON(t, polls, 10, 1, valid),
		})
	}
	for _, n := range populations {
		r.steady = append(r.steady, []document{loadJSON(t, float64(n)/5, float64(n)/2e4, 1, valid)})
	}
	r.steady[3] = append(r.steady[3], loadJSON(t, 39_000, 9, 1, late))
	for range stallConns {
		r.stalls = append(r.stalls, []stall{{document: loadJSON(t, 2000, 1, 1995, valid), stall: 2, p99MS: 1995}, {document: loadJSON(t, 2000, 1, 1881, valid), stall: 2, p99MS: 1881}})
	}
	want := `server on processor 2, generator on processor 5; medians of 3 rounds (lowest to highest)

closed loop, 64 connections  polls/s  polls per CPU-second
wrk                          125,000               125,000  (125,000 to 125,000)
net/http                      40,000                40,000    (40,000 to 40,000)
devicegrant                  100,000               100,000   (90,000 to 120,000)
devicegrant / wrk                                     0.80        (0.72 to 0.96)
devicegrant / net/http                                2.50        (2.25 to 3.00)

devices, each every 5 s  polls/s  CPU ms per 1,000  of a core  late p50    p99  max (ms)  bytes per device
1,000                        200             25.00      0.5 %     0.500  1.250     7.000             1,408
10,000                     2,000             25.00      5.0 %     0.500  1.250     7.000             1,408
100,000                   20,000             25.00     50.0 %     0.500  1.250     7.000             1,408
200,000 *                 39,500             24.04     95.0 %     0.500  1.250     7.000             1,408

server stopped       for  p99 reported  p99 expected  off by
64 connections   2.000 s       1938 ms       1900 ms  +2.0 %  (-1.0 % to +5.0 %)
512 connections  2.000 s       1938 ms       1900 ms  +2.0 %  (-1.0 % to +5.0 %)
* 200,000 devices: it was late; it was slow
`
	if got := r.table(); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

// TestTableWithoutWrk: the rest is compared all the same, and nothing is pinned.
func TestTableWithoutWrk(t *testing.T) {
	r := results{rounds: 1, place: place{obstacle: "there is one processor"}, closed: []closedLoop{{
		netHTTP: usage{polls: 160_000, cpu: 4, seconds: 4}, devicegrant: loadJSON(t, 120_000, 10, 1, `{"valid": true}`),
	}}}
	got := r.table()
	for _, want := range []string{"there is one processor: ", "one round\n", "not here (make setup)", " 3.00\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "devicegrant / wrk") {
		t.Errorf("compared with a program that is not there:\n%s", got)
	}
}

func TestReadDocument(t *testing.T) {
	d := loadJSON(t, 2000, 1.5, 1900, `{"valid": true}`)
	if p99, err := d.pollP99MS(); err != nil || p99 != 1900 {
		t.Error(p99, err)
	}
	if u := d.usage(); u.polls != 20_000 || u.rate() != 2000 || math.Abs(u.perCPU()-13_333.3) > 0.1 {
		t.Errorf("%+v", u)
	}
	d.Latencies = d.Latencies[:2]
	if p99, err := d.pollP99MS(); err == nil {
		t.Errorf("the p99 of one answer, %g ms, passes for that of all", p99)
	}
	for _, text := range []string{"", "{}", `{"schema": "devicegrant/load/2"}`, `{"schema": "devicegrant/load/1"}`} {
		if _, err := readDocument([]byte(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func TestExpectedP99(t *testing.T) {
	for _, c := range []struct{ stall, want float64 }{{2, 1900}, {2.05, 1950}, {0.1, 0}, {0.05, 0}} {
		s := stall{document: document{FromS: 11, ToS: 21}, stall: c.stall}
		if got := s.expectedP99MS(); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("a stall of %g s in 10 s: %g ms, want %g", c.stall, got, c.want)
		}
	}
}

const wrkSays = `Running 3s test @ http://127.0.0.1:43211/token
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   491.20us  199.00us   8.60ms   93.41%
    Req/Sec   131.22k     7.26k  139.41k    83.87%
  404478 requests in 3.10s, 53.23MB read
  Non-2xx or 3xx responses: 404478
Requests/sec: 130482.12
Transfer/sec:     17.17MB
`

func TestReadWrk(t *testing.T) {
	u, err := readWrk(wrkSays, 2500*time.Millisecond)
	if err != nil || u != (usage{polls: 404478, cpu: 2.5, seconds: 3.1}) {
		t.Errorf("%+v, %v", u, err)
	}
	for _, text := range []string{"unable to connect", strings.Replace(wrkSays, "  Non", "  Socket errors: connect 0, read 12, write 0, timeout 0\n  Non", 1)} {
		if u, err := readWrk(text, time.Second); err == nil {
			t.Errorf("%q is read as %+v", text, u)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{0: nil, 3: {3}, 2.5: {4, 1, 2, 3}, 5: {9, 5, 1}} {
		if got := median(values); got != want {
			t.Errorf("the median of %v is %g", values, got)
		}
	}
	for v, want := range map[float64]string{0: "0", 999.4: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(v); got != want {
			t.Errorf("%g is %q, want %q", v, got, want)
		}
	}
}
