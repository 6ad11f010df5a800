//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// document is what the table needs of a load.json. It is read as anybody would
// read it, by its published names and not with the generator's own types.
type document struct {
	Schema   string `json:"schema"`
	Validity struct {
		Valid   bool     `json:"valid"`
		Reasons []string `json:"reasons"`
	} `json:"validity"`
	FromS float64 `json:"measured_from_s"`
	ToS   float64 `json:"measured_to_s"`
	Rates struct {
		Polls float64 `json:"polls_answered"`
	} `json:"rates"`
	Latencies []struct {
		Kind   string  `json:"kind"`
		Answer string  `json:"answer"`
		P99MS  float64 `json:"p99_ms"`
	} `json:"latencies"`
	Generator struct {
		Lateness struct {
			P50MS float64 `json:"p50_ms"`
			P99MS float64 `json:"p99_ms"`
			MaxMS float64 `json:"max_ms"`
		} `json:"lateness"`
		CPUS           float64 `json:"cpu_s"`
		CPUShare       float64 `json:"cpu_share"`
		CPUPer1000     float64 `json:"cpu_ms_per_1000_polls"`
		BytesPerDevice float64 `json:"rss_bytes_per_device"`
	} `json:"generator"`
}

func readDocument(text []byte) (document, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("load.json: %w", err)
	}
	if d.Schema != "devicegrant/load/1" {
		return d, fmt.Errorf("load.json: its form is %q", d.Schema)
	}
	if d.Rates.Polls <= 0 || d.Generator.CPUS <= 0 {
		return d, errors.New("load.json: no poll was answered, or they cost nothing")
	}
	return d, nil
}

// window is the measured time, in seconds.
func (d *document) window() float64 { return d.ToS - d.FromS }

// usage is what the polls of the window cost.
func (d *document) usage() usage {
	return usage{polls: d.Rates.Polls * d.window(), cpu: d.Generator.CPUS, seconds: d.window()}
}

// pollP99MS is the 99th percentile of the latency of all polls.
func (d *document) pollP99MS() (float64, error) {
	for _, l := range d.Latencies {
		if l.Kind == "poll" && l.Answer == "" {
			return l.P99MS, nil
		}
	}
	return 0, errors.New("load.json: no latency of all polls")
}
