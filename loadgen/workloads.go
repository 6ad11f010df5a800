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

// Workloads are the names of the plans that come with devicegrant, the simplest
// first.
func Workloads() []string { return slices.Clone(workloadNames) }

// WorkloadText is the YAML of a shipped plan.
func WorkloadText(name string) ([]byte, error) {
	if !slices.Contains(workloadNames, name) {
		return nil, &PlanError{fmt.Errorf("unknown workload %q; known are %s", name, strings.Join(workloadNames, ", "))}
	}
	return workloadFiles.ReadFile("workloads/" + name + ".yaml")
}

// Workload is a shipped plan.
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
