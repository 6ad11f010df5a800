package profiles

import "encoding/json"

// Secret is a value that a profile never contains: the profile names an
// environment variable or a file, and Load reads it. It prints as "[secret]".
type Secret struct {
	// Env is the variable's name. File is a path, relative to the profile; its
	// content is used without the trailing line break. Generate makes a random
	// value, for a password that must be wrong or does not matter. Exactly one
	// is set. A user name may also be a plain string in the profile, which is
	// not a secret.
	Env      string `yaml:"env"`
	File     string `yaml:"file"`
	Generate bool   `yaml:"generate"`

	// plain marks a value that is written in the profile.
	plain bool
	// value is a pointer because fmt cannot call String on a Secret in an
	// unexported field of a bigger struct: it then prints an address.
	value *string
}

// NewSecret returns a secret with the given value.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal returns the value, or "" if the secret was not read.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// The lengths of secrets that have near misses: of a shorter one hardly anything else
// could be right, and some password hashes ignore what comes after 72 bytes.
const leastNear, mostNear = 9, 72

// NearMisses are two wrong secrets that a server takes for the right one if it
// compares only a part: without the last two characters, and with two other ones.
// They give most of the secret away and are kept as secret; "" where there are none.
func (s Secret) NearMisses() (cut, misspelt string) {
	right := []rune(s.Reveal())
	if len(right) < leastNear || len(s.Reveal()) > mostNear {
		return "", ""
	}
	cut = string(right[:len(right)-2])
	for _, end := range []string{"zy", "yx"} {
		if misspelt = cut + end; misspelt != s.Reveal() {
			break
		}
	}
	return cut, misspelt
}

// Plain reports whether the value is written in the profile and so is not a
// secret.
func (s Secret) Plain() bool { return s.plain }

// IsZero reports whether the secret has neither a value nor a source.
func (s Secret) IsZero() bool { return s == Secret{} }

// String implements fmt.Stringer without revealing the value.
func (s Secret) String() string { return "[secret]" }

// GoString implements fmt.GoStringer without revealing the value.
func (s Secret) GoString() string { return "[secret]" }

// MarshalYAML writes the source of the value, as in a profile.
func (s Secret) MarshalYAML() (any, error) { return s.reference(), nil }

// MarshalJSON writes the source of the value.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.reference()) }

// reference is the form that a profile contains.
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
