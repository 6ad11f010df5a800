package loadgen

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/devicegrant/devicegrant/profiles"
)

var update = flag.Bool("update", false, "write load.schema.json")

// TestJSONSchema holds load.schema.json to the Go types. Members may be added
// to a result, so a schema of today accepts a result of tomorrow.
func TestJSONSchema(t *testing.T) {
	root := schemaOf(reflect.TypeFor[Result]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "The result of devicegrant load"
	root["properties"].(map[string]any)["schema"] = map[string]any{"const": Schema}
	root["properties"].(map[string]any)["verdict"] = map[string]any{"enum": []Verdict{Held, Missed, Invalid, Stopped}}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	if err := e.Encode(root); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("load.schema.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(b.Bytes(), JSONSchema()) {
		t.Error("load.schema.json is not that of the types: go test ./loadgen -run TestJSONSchema -update")
	}
}

// schemaOf is the schema of a type of the result.
func schemaOf(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		var collect func(t reflect.Type)
		collect = func(t reflect.Type) {
			for f := range t.Fields() {
				if f.Anonymous {
					collect(f.Type)
					continue
				}
				name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
				if name == "-" {
					continue
				}
				properties[name] = schemaOf(f.Type)
				if !strings.Contains(options, "omitempty") {
					required = append(required, name)
				}
			}
		}
		collect(t)
		return map[string]any{"type": "object", "properties": properties, "required": required}
	case reflect.Slice:
		if t == reflect.TypeFor[json.RawMessage]() {
			return map[string]any{"type": "object"}
		}
		// No elements are null in Go.
		return map[string]any{"type": []string{"array", "null"}, "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": schemaOf(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "integer"}
}

// TestResultsKeepTheSchema: a validator that nobody here wrote accepts the
// results of runs.
func TestResultsKeepTheSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("load.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("load.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(r Result) {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(tree); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		plan := oneMinute()
		plan.Greedy.Share, plan.Impatient.Share, plan.AtRest = new(0.2), new(0.2), new(true)
		plan.Thresholds = []string{"poll_latency p(99)<1s", "tokens count>0"}
		check(runVirtual(t, newVirtual(5*time.Second, time.Hour), plan))
	})
	synctest.Test(t, func(t *testing.T) {
		check(runVirtual(t, newVirtual(5*time.Second, time.Hour), profiles.Plan{Devices: 1, Duration: 2 * time.Second}))
	})
}
