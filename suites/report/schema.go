package report

import _ "embed"

//go:embed result.schema.json
var schemaJSON []byte

// JSONSchema returns the JSON Schema (2020-12) of result.json. Members are only
// ever added.
func JSONSchema() []byte { return schemaJSON }
