package chromium

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed snapshot.js
var snapshotJS string

//go:embed act.js
var actJS string

// call spells the call of a JavaScript function with plain data as arguments.
func call(function string, args ...any) string {
	texts := make([]string, len(args))
	for i, a := range args {
		raw, err := json.Marshal(a)
		if err != nil { // strings, numbers and lists of them do not fail
			raw = []byte("null")
		}
		texts[i] = string(raw)
	}
	// The comment before the function must not make a semicolon of its own.
	return fmt.Sprintf("(\n%s\n)(%s)", function, strings.Join(texts, ", "))
}
