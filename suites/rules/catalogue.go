package rules

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Level says how strongly the text binds the server.
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

// Requirement is one entry of the catalog.
type Requirement struct {
	ID string `yaml:"id" json:"id"`
	// Section is the RFC 8628 section under which the suite lists it.
	Section string `yaml:"section" json:"section"`
	Source  string `yaml:"source" json:"source"`
	Level   Level  `yaml:"level" json:"level"`
	// Impact is D0 to D3: what the check may do to the target.
	Impact string   `yaml:"impact" json:"impact"`
	Needs  []string `yaml:"needs" json:"needs,omitempty"`
	Title  string   `yaml:"title" json:"title"`
	// Control is what must have been seen before an accusation counts.
	Control string `yaml:"control" json:"control"`
	// Controls are the exchanges that show it: "SCENARIO: LABEL" or "SCENARIO: journey NAME".
	Controls []string `yaml:"controls" json:"controls,omitempty"`
	Why      string   `yaml:"why" json:"why"`
}

//go:embed requirements.yaml
var requirementsYAML []byte

var catalogue = readCatalogue()

// Catalogue returns all requirements, in the order of requirements.yaml.
func Catalogue() []Requirement { return slices.Clone(catalogue) }

func readCatalogue() []Requirement {
	var all []Requirement
	if err := yaml.Unmarshal(requirementsYAML, &all); err != nil {
		panic(fmt.Sprintf("rules: requirements.yaml: %v", err))
	}
	for i := range all {
		all[i].Why, all[i].Control = strings.TrimSpace(all[i].Why), strings.TrimSpace(all[i].Control)
	}
	return all
}

// Find returns the requirement with that id.
func Find(id string) (Requirement, bool) {
	for _, r := range catalogue {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}

// Section is a section of RFC 8628, or a topic beyond them.
type Section struct {
	Number, Title string
	// Binds says in plain words what the section requires.
	Binds string
}

// Sections returns the sections of RFC 8628 in the order of the suite, followed
// by the topics without a section.
func Sections() []Section {
	return []Section{
		{"3.1", "Device Authorization Request",
			"the client sends an HTTP POST with client_id and an optional scope in a form body; a parameter without a value counts as omitted, and none may be repeated; client authentication and errors follow RFC 6749 (sections 3.1 and 3.2)"},
		{"3.2", "Device Authorization Response",
			"200 with a JSON object: device_code, user_code, verification_uri and expires_in are required; verification_uri_complete and interval (default 5 seconds) are optional; the response is not cached (section 3.2)"},
		{"3.3", "User Interaction",
			"the end user enters the code at the verification URI, authenticates, and sees which device asks and for what; the server validates the code, and verification_uri_complete does not replace the confirmation (sections 3.3 and 3.3.1)"},
		{"3.4", "Device Access Token Request",
			"the client polls the token endpoint with grant_type, device_code and client_id, and authenticates as registered; a device code belongs to the client it was issued to (section 3.4)"},
		{"3.5", "Device Access Token Response",
			"a token once the end user approves; until then authorization_pending, or slow_down for a client that polls too fast; access_denied and expired_token end the grant (section 3.5; RFC 6749 sections 5.1 and 5.2)"},
		{"4", "Discovery Metadata",
			"a server that publishes metadata includes its device_authorization_endpoint (section 4; RFC 8414)"},
		{"5", "Security Considerations",
			"codes resist guessing, the server limits attempts at user codes, and nothing else can decide for the end user (sections 5.1 to 5.6)"},
		{"6.1", "User Code Recommendations",
			"user codes are easy to type: no look-alike characters, in either case, with or without dashes (section 6.1)"},
		{"ext", "Extensions in Other Documents",
			"PKCE, DPoP, resource indicators and rich authorization requests work with the device grant as their RFCs say (RFC 7636, RFC 9449, RFC 8707, RFC 9396)"},
		{"load", "The Same Under Load",
			"many concurrent devices do not change the answers to any one of them (sections 3.4 and 3.5)"},
	}
}

// Wants reports whether the requirement has that need.
func (r Requirement) Wants(need string) bool { return slices.Contains(r.Needs, need) }
