package profiles

import (
	"encoding/json"
	"fmt"

	"gopkg.in/yaml.v3"
)

// Record returns the profile as JSON with the keys of a profile, for a result
// that can be judged again. Like a profile, it contains the sources of secrets,
// never their values.
func (p *Profile) Record() (json.RawMessage, error) { return record(p) }

// Record returns the endpoints as JSON with the keys of a profile.
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

// UnmarshalYAML reads what MarshalYAML writes. Loading a profile does not use
// it: there, secrets are read with their positions, and plain values are
// rejected.
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
