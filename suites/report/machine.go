package report

import (
	"fmt"
	"strings"
)

// Machine says how well the machine kept up with a run, because the run itself
// is a suspect.
type Machine struct {
	Processors int `json:"processors"`
	// Timers is how late timers fired; Browser is how long the browser took for
	// a trivial answer (zeros without a browser).
	Timers  Quantiles `json:"timers_late"`
	Browser Quantiles `json:"browser_reaction"`
	// Pressure is the share of the run, 0 to 1, in which some program waited
	// for a processor; absent if the system does not report it.
	Pressure *float64 `json:"cpu_pressure,omitempty"`
	// Strained says that the machine did not always keep up.
	Strained bool `json:"strained"`
	// Late are the scenarios in which this machine was late with a step.
	Late []LateScenario `json:"late,omitempty"`
}

// Quantiles are of a duration, in real milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// LateScenario says why a scenario was late, whether it was repeated alone, and
// whether the repetition was on time.
type LateScenario struct {
	Scenario string `json:"scenario"`
	Why      string `json:"why"`
	Again    bool   `json:"again"`
	Helped   bool   `json:"helped"`
}

// Summary says in a sentence where the machine was late, or "".
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
