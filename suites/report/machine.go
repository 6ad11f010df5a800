package report

import (
	"fmt"
	"strings"
)

// Machine is how a machine kept up with a run: the run is a suspect, too.
type Machine struct {
	Processors int `json:"processors"`
	// Timers is how late timers fired, Browser how long the browser took for a
	// trivial answer (zeros: there was none).
	Timers  Quantiles `json:"timers_late"`
	Browser Quantiles `json:"browser_reaction"`
	// Pressure is the share of the run in which some program of the machine waited
	// for a processor, 0 to 1; absent where the system does not tell.
	Pressure *float64 `json:"cpu_pressure,omitempty"`
	// Strained says that it did not keep up all the time.
	Strained bool `json:"strained"`
	// Late are the scenarios in which a step came too late by the machine's fault.
	Late []LateScenario `json:"late,omitempty"`
}

// Quantiles are of a duration, in real milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// LateScenario is one of a [Machine]: why it was late, whether it was told again
// with nothing beside it, and whether that was in time.
type LateScenario struct {
	Scenario string `json:"scenario"`
	Why      string `json:"why"`
	Again    bool   `json:"again"`
	Helped   bool   `json:"helped"`
}

// Summary says in a sentence where the machine mattered; "" where it did not.
func (m *Machine) Summary() string {
	if m == nil || len(m.Late) == 0 {
		return ""
	}
	var helped, late []string
	for _, l := range m.Late {
		if l.Helped {
			helped = append(helped, l.Scenario)
		} else {
			late = append(late, l.Scenario)
		}
	}
	var parts []string
	if len(helped) > 0 {
		parts = append(parts, fmt.Sprintf("too slow for %s, but in time when retried alone", strings.Join(helped, ", ")))
	}
	if len(late) > 0 {
		parts = append(parts, fmt.Sprintf("too slow for %s, even when run alone", strings.Join(late, ", ")))
	}
	return "this machine was " + strings.Join(parts, "; ")
}
