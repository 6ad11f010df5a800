package profiles

import "encoding/json"

// Secret is a value that is never written in a profile: it names an
// environment variable or a file, and is read when the profile is loaded.
// It prints as "[secret]".
type Secret struct {
	// Env is the variable's name; File is a path, relative to the profile,
	// whose content is used with its trailing line end removed; Generate makes
	// a random value, for a password that must be wrong or does not matter.
	// Exactly one is set. User names may also stand in the profile as a plain
	// string, which is not a secret.
	Env      string `yaml:"env"`
	File     string `yaml:"file"`
	Generate bool   `yaml:"generate"`

	// plain marks a user name that stands in the profile.
	plain bool
	// value is a pointer because fmt cannot call String on a Secret in an
	// unexported field of a bigger struct: it then prints an address.
	value *string
}

// NewSecret returns a secret with a value known to the program.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal returns the value, "" when the secret was not resolved.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Plain says that the value stands in the profile, and is no secret.
func (s Secret) Plain() bool { return s.plain }

// IsZero reports that the secret neither has a value nor names its source.
func (s Secret) IsZero() bool { return s == Secret{} }

// String implements fmt.Stringer without giving the value away.
func (s Secret) String() string { return "[secret]" }

// GoString implements fmt.GoStringer without giving the value away.
func (s Secret) GoString() string { return "[secret]" }

// MarshalYAML writes where the value comes from, as a profile does.
func (s Secret) MarshalYAML() (any, error) { return s.reference(), nil }

// MarshalJSON writes where the value comes from.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.reference()) }

// reference is the form that a profile holds.
func (s Secret) reference() any {
	switch {
	case s.plain:
		return s.Reveal()
	case s.Env != "":
		return map[string]string{"env": s.Env}
	case s.File != "":
		return map[string]string{"file": s.File}
	case s.Generate:
		return map[string]bool{"generate": true}
	default:
		return nil
	}
}
