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

var catalogue = readCatalogue()

// Catalogue is every requirement, in the order of requirements.yaml.
func Catalogue() []Requirement { return slices.Clone(catalogue) }

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
	for _, r := range catalogue {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}

// Section is a section of RFC 8628, or what is judged beside them.
type Section struct {
	Number, Title string
	// Binds is what the section demands, in our words.
	Binds string
}

// Sections are those of RFC 8628 in the order of the suite, and after them what
// has no section there.
func Sections() []Section {
	return []Section{
		{"3.1", "Device Authorization Request",
			"the client asks by HTTP POST, with client_id and an optional scope in a form body; a parameter without a value counts as omitted, and none is repeated; client authentication and errors are those of RFC 6749 (sections 3.1 and 3.2)"},
		{"3.2", "Device Authorization Response",
			"200 with a JSON object: device_code, user_code, verification_uri and expires_in are required, verification_uri_complete and interval optional, 5 seconds being the default of the latter; the response is not cached (section 3.2)"},
		{"3.3", "User Interaction",
			"the end user enters the code at the verification URI, authenticates, and is told which device asks and for what; the server makes sure that the code is valid, and verification_uri_complete does not replace the confirmation (sections 3.3 and 3.3.1)"},
		{"3.4", "Device Access Token Request",
			"the client polls the token endpoint with grant_type, device_code and client_id, and authenticates as it is registered; a device code belongs to the client that it was issued to (section 3.4)"},
		{"3.5", "Device Access Token Response",
			"a token once the end user approved; until then authorization_pending, slow_down for a client that polls too fast, access_denied and expired_token at the end (section 3.5; RFC 6749 sections 5.1 and 5.2)"},
		{"4", "Discovery Metadata",
			"a server that publishes metadata names its device_authorization_endpoint there (section 4; RFC 8414)"},
		{"5", "Security Considerations",
			"codes resist guessing, trials of user codes are limited, and the pages cannot be made to decide in the end user's place (sections 5.1 to 5.6)"},
		{"6.1", "User Code Recommendations",
			"user codes are easy to type: without characters that look alike, in any case, with or without dashes (section 6.1)"},
		{"ext", "Extensions in Other Documents",
			"PKCE, DPoP, resource indicators and rich authorization requests do to the device grant what their own documents say (RFC 7636, RFC 9449, RFC 8707, RFC 9396)"},
		{"load", "The Same Under Load",
			"many devices at once change nothing in what each of them is told (sections 3.4 and 3.5)"},
	}
}

// Wants says whether the requirement has that need.
func (r Requirement) Wants(need string) bool { return slices.Contains(r.Needs, need) }
