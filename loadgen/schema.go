package loadgen

import _ "embed"

//go:embed load.schema.json
var jsonSchema []byte

// JSONSchema returns the JSON Schema (2020-12) of a [Result].
func JSONSchema() []byte { return jsonSchema }
