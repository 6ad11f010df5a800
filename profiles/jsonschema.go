package profiles

import _ "embed"

//go:embed profile.schema.json
var jsonSchema []byte

// JSONSchema returns the JSON Schema (2020-12) of a profile, for editors that
// complete and check YAML while it is written. It knows the keys, their types
// and words; [Load] knows more.
func JSONSchema() []byte { return jsonSchema }
