package profiles

// Secret is a value that is never written in a profile: it names an
// environment variable or a file, and is read when the profile is loaded.
// It prints as "[secret]".
type Secret struct {
	// Env is the variable's name; File is a path whose content is used with
	// its trailing line end removed. Exactly one is set. User names may also
	// stand in the profile as a plain string, which is not a secret.
	Env  string `yaml:"env"`
	File string `yaml:"file"`

	value string
}

// NewSecret returns a secret with a value known to the program.
func NewSecret(value string) Secret { return Secret{value: value} }

// Reveal returns the value.
func (s Secret) Reveal() string { return s.value }

// String implements fmt.Stringer without giving the value away.
func (s Secret) String() string { return "[secret]" }

// GoString implements fmt.GoStringer without giving the value away.
func (s Secret) GoString() string { return "[secret]" }
