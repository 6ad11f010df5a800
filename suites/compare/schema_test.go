package compare

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/devicegrant/devicegrant/suites/report"
)

// TestSchema holds matrix.json to the schema that is published beside it.
func TestSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("matrix.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	m := New(report.Tool{Version: "test"}, []Column{column(hostile, "fail", ""), column("b", "pass", ""), {Name: "c", Lost: "killed"}})
	if err := WriteJSON(&b, m); err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(instance); err != nil {
		t.Error(err)
	}
}
