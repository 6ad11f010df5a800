package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/devicegrant/devicegrant/loadgen"
)

// metrics serves what the run looks like now, for Prometheus.
type metrics struct {
	address string
	server  *http.Server

	mu   sync.Mutex
	last loadgen.Live
}

// serveMetrics listens on a loopback address.
func serveMetrics(address string) (*metrics, error) {
	if !isLoopback(address) {
		return nil, fmt.Errorf("--metrics %s is not on loopback", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--metrics: %w", err)
	}
	m := &metrics{address: l.Addr().String()}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m)
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	m.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := m.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // a listener of our own does not fail
		}
	}()
	return m, nil
}

func (m *metrics) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = m.server.Shutdown(ctx)
}

// live takes one look at the run.
func (m *metrics) live(l loadgen.Live) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = l
}

var (
	descRequests = prometheus.NewDesc("devicegrant_requests_total", "Requests that ended, by kind and answer.", []string{"kind", "answer"}, nil)
	descFailures = prometheus.NewDesc("devicegrant_transport_failures_total", "Requests without an answer, by cause.", []string{"failure"}, nil)
	descDevices  = prometheus.NewDesc("devicegrant_devices", "Devices by state: polling now, the others since the start.", []string{"state"}, nil)
	descLatency  = prometheus.NewDesc("devicegrant_poll_latency_seconds", "Latency of polls in the last second, from the intended instant.", []string{"quantile"}, nil)
	descLateness = prometheus.NewDesc("devicegrant_generator_lateness_p99_seconds", "How late the generator itself was in the last second.", nil, nil)
	descInFlight = prometheus.NewDesc("devicegrant_requests_in_flight", "Requests under way.", nil, nil)
	descQueued   = prometheus.NewDesc("devicegrant_requests_queued", "Requests that are due and wait for a connection.", nil, nil)
	descElapsed  = prometheus.NewDesc("devicegrant_elapsed_seconds", "Time since the start of the run.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	l := m.last
	m.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, c := range l.Counts {
		ch <- prometheus.MustNewConstMetric(descRequests, prometheus.CounterValue, float64(c.Count), c.Kind, c.Answer)
	}
	for failure, n := range l.Failures {
		ch <- prometheus.MustNewConstMetric(descFailures, prometheus.CounterValue, float64(n), failure)
	}
	t := l.Totals
	for state, n := range map[string]int{"polling": l.Now.Waiting, "issued": t.Issued, "approved": t.Approved, "denied": t.Denied,
		"tokens": t.Tokens, "refused": t.Refused, "expired": t.Expired, "abandoned": t.Abandoned, "failed": t.Failed} {
		gauge(descDevices, float64(n), state)
	}
	gauge(descLatency, l.Now.P50MS/1000, "0.5")
	gauge(descLatency, l.Now.P99MS/1000, "0.99")
	gauge(descLateness, l.Now.LatenessP99MS/1000)
	gauge(descInFlight, float64(l.Now.InFlight))
	gauge(descQueued, float64(l.Now.Queued))
	gauge(descElapsed, l.Elapsed.Seconds())
}
