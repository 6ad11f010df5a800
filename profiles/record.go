package profiles

import (
	"encoding/json"
	"fmt"

	"gopkg.in/yaml.v3"
)

// Record returns the profile as JSON under the keys of a profile, for a result
// that is to be judged again. Secrets stand in it as in a profile: where their
// values came from, never the values.
func (p *Profile) Record() (json.RawMessage, error) { return record(p) }

// Record returns the endpoints as JSON under the keys of a profile.
func (e Endpoints) Record() (json.RawMessage, error) { return record(e) }

func record(v any) (json.RawMessage, error) {
	text, err := yaml.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("recording the profile: %w", err)
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("recording the profile: %w", err)
	}
	return json.Marshal(tree)
}

// FromRecord reads what [Profile.Record] wrote. Its secrets have no values.
func FromRecord(recorded json.RawMessage) (*Profile, error) {
	p := &Profile{}
	// JSON is YAML.
	if err := yaml.Unmarshal(recorded, p); err != nil {
		return nil, fmt.Errorf("the recorded profile: %w", err)
	}
	return p, nil
}

// EndpointsFromRecord reads what [Endpoints.Record] wrote.
func EndpointsFromRecord(recorded json.RawMessage) (e Endpoints, err error) {
	if err := yaml.Unmarshal(recorded, &e); err != nil {
		return e, fmt.Errorf("the recorded endpoints: %w", err)
	}
	return e, nil
}

// UnmarshalYAML reads the form that MarshalYAML writes. Profiles do not pass
// here: their secrets are read with positions, and refused where a value stands.
func (s *Secret) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		var plain string
		if err := node.Decode(&plain); err != nil {
			return err
		}
		*s = NewSecret(plain)
		s.plain = true
		return nil
	}
	var from struct {
		Env      string `yaml:"env"`
		File     string `yaml:"file"`
		Generate bool   `yaml:"generate"`
	}
	if err := node.Decode(&from); err != nil {
		return err
	}
	*s = Secret{Env: from.Env, File: from.File, Generate: from.Generate}
	return nil
}
