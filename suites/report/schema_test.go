package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var update = flag.Bool("update", false, "write result.schema.json")

// TestJSONSchema holds result.schema.json to the Go types. Members may be added
// to a result, so a schema of today accepts a result of tomorrow.
func TestJSONSchema(t *testing.T) {
	root := schemaOf(reflect.TypeFor[Result]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "The result of devicegrant run"
	root["properties"].(map[string]any)["schema"] = map[string]any{"const": Schema}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	if err := e.Encode(root); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("result.schema.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(b.Bytes(), JSONSchema()) {
		t.Error("result.schema.json is not that of the types: go test ./suites/report -run TestJSONSchema -update")
	}
}

// schemaOf is the schema of a type of the result.
func schemaOf(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{"type": []string{"object", "null"}}
	case reflect.TypeFor[wire.Bytes]():
		return map[string]any{"anyOf": []any{
			map[string]any{"type": "string"},
			map[string]any{"type": "object", "properties": map[string]any{"base64": map[string]any{"type": "string"}}, "required": []string{"base64"}},
		}}
	}
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
				if name == "-" || !f.IsExported() {
					continue
				}
				if name == "" {
					name = f.Name
				}
				properties[name] = schemaOf(f.Type)
				if !strings.Contains(options, "omitempty") {
					required = append(required, name)
				}
			}
		}
		collect(t)
		// These two write their times themselves.
		switch t {
		case reflect.TypeFor[wire.Exchange]():
			for _, name := range []string{"sent_ms", "received_ms"} {
				properties[name] = map[string]any{"type": "number"}
				required = append(required, name)
			}
		case reflect.TypeFor[transcript.Journey]():
			for _, name := range []string{"started_ms", "ended_ms", "pressed_ms"} {
				properties[name] = map[string]any{"type": "number"}
			}
		}
		return map[string]any{"type": "object", "properties": properties, "required": required}
	case reflect.Slice, reflect.Array:
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
// recorded results of real servers, as this version writes them.
func TestResultsKeepTheSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("result.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("result.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "recordings", "runs", "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded runs: %v", err)
	}
	for _, file := range files {
		r, err := Read(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := WriteJSON(&text, r); err != nil {
			t.Fatal(err)
		}
		tree, err := jsonschema.UnmarshalJSON(&text)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(tree); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		tree.(map[string]any)["checks"].([]any)[0].(map[string]any)["verdict"] = 7
		if schema.Validate(tree) == nil {
			t.Errorf("%s: a verdict that is a number keeps the schema", file)
		}
	}
}
