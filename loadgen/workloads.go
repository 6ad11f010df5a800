package loadgen

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
)

//go:embed workloads/*.yaml
var workloadFiles embed.FS

var workloadNames = []string{"steady", "ramp", "issuance", "thundering-herd", "impatient", "expiry-storm", "approval-rush", "greedy", "soak"}

// Workloads returns the names of the shipped plans, the simplest first.
func Workloads() []string { return slices.Clone(workloadNames) }

// WorkloadText returns the YAML of a shipped plan.
func WorkloadText(name string) ([]byte, error) {
	if !slices.Contains(workloadNames, name) {
		return nil, &PlanError{fmt.Errorf("unknown workload %q; expected one of %s", name, strings.Join(workloadNames, ", "))}
	}
	return workloadFiles.ReadFile("workloads/" + name + ".yaml")
}

// Workload returns a shipped plan.
func Workload(name string) (profiles.Plan, error) {
	text, err := WorkloadText(name)
	if err != nil {
		return profiles.Plan{}, err
	}
	return profiles.ParsePlan("workload "+name, text, profiles.Plan{Workload: name})
}

// planText is a plan as JSON.
func planText(p profiles.Plan) json.RawMessage {
	text, err := p.Record()
	if err != nil {
		return json.RawMessage("null")
	}
	return text
}
