package loadgen

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
)

//go:embed scenarios/*.yaml
var scenarioFiles embed.FS

var scenarioNames = []string{"steady", "ramp", "issuance", "thundering-herd", "impatient", "expiry-storm", "approval-rush", "greedy", "soak"}

// Scenarios are the names of the plans that come with devicegrant, the simplest
// first.
func Scenarios() []string { return slices.Clone(scenarioNames) }

// ScenarioText is the YAML of a shipped plan.
func ScenarioText(name string) ([]byte, error) {
	if !slices.Contains(scenarioNames, name) {
		return nil, &PlanError{fmt.Errorf("unknown scenario %q: there are %s", name, strings.Join(scenarioNames, ", "))}
	}
	return scenarioFiles.ReadFile("scenarios/" + name + ".yaml")
}

// Scenario is a shipped plan.
func Scenario(name string) (profiles.Plan, error) {
	text, err := ScenarioText(name)
	if err != nil {
		return profiles.Plan{}, err
	}
	return profiles.ParsePlan("scenario "+name, text, profiles.Plan{Scenario: name})
}

// planText is a plan as JSON.
func planText(p profiles.Plan) json.RawMessage {
	text, err := p.Record()
	if err != nil {
		return json.RawMessage("null")
	}
	return text
}
