package rules

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Level is how strongly the text binds the server.
type Level string

// The levels. See requirements.yaml for their meaning.
const (
	Must    Level = "MUST"
	Should  Level = "SHOULD"
	May     Level = "MAY"
	Defined Level = "defined"
	Implied Level = "implied"
	NonNorm Level = "nonnorm"
	Hygiene Level = "hygiene"
)

// Requirement is one entry of the catalogue.
type Requirement struct {
	ID string `yaml:"id" json:"id"`
	// Section is the RFC 8628 section under which the suite files it.
	Section string `yaml:"section" json:"section"`
	Source  string `yaml:"source" json:"source"`
	Level   Level  `yaml:"level" json:"level"`
	// Impact is D0 to D3: what the check may do to the target.
	Impact string   `yaml:"impact" json:"impact"`
	Needs  []string `yaml:"needs" json:"needs,omitempty"`
	Title  string   `yaml:"title" json:"title"`
	Why    string   `yaml:"why" json:"why"`
}

//go:embed requirements.yaml
var requirementsYAML []byte

// Catalogue is every requirement, in the order of requirements.yaml.
var Catalogue = readCatalogue()

func readCatalogue() []Requirement {
	var all []Requirement
	if err := yaml.Unmarshal(requirementsYAML, &all); err != nil {
		panic(fmt.Sprintf("rules: requirements.yaml: %v", err))
	}
	for i := range all {
		all[i].Why = strings.TrimSpace(all[i].Why)
	}
	return all
}

// Find returns the requirement with that id.
func Find(id string) (Requirement, bool) {
	for _, r := range Catalogue {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}

// Sections is the RFC 8628 sections in the order of the suite, with their titles,
// and after them what has no section there.
var Sections = []struct{ Number, Title string }{
	{"3.1", "Device Authorization Request"},
	{"3.2", "Device Authorization Response"},
	{"3.3", "User Interaction"},
	{"3.4", "Device Access Token Request"},
	{"3.5", "Device Access Token Response"},
	{"4", "Discovery Metadata"},
	{"5", "Security Considerations"},
	{"6.1", "User Code Recommendations"},
	{"ext", "Extensions in Other Documents"},
	{"load", "The Same Under Load"},
}

// Wants says whether the requirement has that need.
func (r Requirement) Wants(need string) bool { return slices.Contains(r.Needs, need) }
