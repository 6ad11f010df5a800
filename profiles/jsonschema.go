package profiles

import _ "embed"

//go:embed profile.schema.json
var jsonSchema []byte

// JSONSchema returns the JSON Schema (2020-12) of a profile, for editors that
// complete and validate YAML. It knows the keys, their types and allowed
// values; [Load] checks more.
func JSONSchema() []byte { return jsonSchema }
