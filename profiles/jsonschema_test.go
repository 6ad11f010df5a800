package profiles

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "write profile.schema.json")

// What the schema says beyond the types: the words of a key, and the keys that
// have to be there.
var (
	schemaWords = map[string][]string{
		"Client.auth":              {string(AuthNone), string(AuthBasic), string(AuthPost)},
		"Client.device_auth":       {string(AuthNone), string(AuthBasic), string(AuthPost)},
		"Profile.issuer_rule":      issuerRules,
		"Addition.params_in":       placements,
		"Responses.format":         formats,
		"Deviation.expect":         {"fail", "warn", "inconclusive", "n/a"},
		"Verification.drivers":     drivers,
		"Verification.consent":     consents,
		"Page.role":                roles,
		"Action.with":              values,
		"Plan.client_model":        clientModels,
		"Plan.phases":              phaseWords,
		"Plan.transport":           transports,
		"Arrival.curve":            curves,
		"Approval.driver":          approvalPeople,
		"Connections.policy":       policies,
		"Connections.key_exchange": keyExchanges,
	}
	schemaRequired = map[string][]string{
		"Profile":   {"clients"},
		"Clients":   {"public"},
		"Client":    {"id"},
		"User":      {"username", "password"},
		"Deviation": {"check", "reason"},
		"Page":      {"role", "when"},
	}
)

type object = map[string]any

// TestJSONSchema holds profile.schema.json to the Go types and their comments.
func TestJSONSchema(t *testing.T) {
	g := schemaGenerator{comments: fieldComments(t), definitions: object{}}
	root := g.structure(reflect.TypeFor[Profile]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "A devicegrant profile"
	root["$defs"] = g.definitions
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(root); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("profile.schema.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(b.Bytes(), JSONSchema()) {
		t.Error("profile.schema.json is not that of the types: go test ./profiles -run TestJSONSchema -update")
	}
}

// TestJSONSchemaOfProfiles: a validator that nobody here wrote accepts what is
// shipped, and refuses what the loader refuses.
func TestJSONSchemaOfProfiles(t *testing.T) {
	schema := compiledSchema(t)
	for _, name := range Names() {
		text, err := Shipped(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(tree(t, string(text))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	const good = "clients: {public: {id: tv}}\n"
	for _, addition := range []string{
		"limits: {timeout: 5s, rate: 2.5, codes: 3}", "limits: {codes: '${codes}'}", "scopes:", "discovery: auto",
		"users: {first: {username: alice, password: {env: P}}}", "users: {first: {username: {env: U}, password: {file: p}}}",
		"verification: {pages: [{role: code, when: {id: x}, do: [{fill: {id: x}, with: user_code}]}]}",
		"verification: {pages: [{role: consent, when: [{id: x}], deny: none}]}",
	} {
		if err := schema.Validate(tree(t, good+addition)); err != nil {
			t.Errorf("%s: %v", addition, err)
		}
	}
	for _, addition := range []string{
		"clinets: {}", "limits: {timout: 5s}", "limits: {codes: many}", "limits: {timeout: 5}", "scopes: {a: b}",
		"users: {first: {username: alice, password: hunter2}}", "verification: {drivers: [firefox]}",
		"verification: {pages: [{role: cod, when: {id: x}}]}", "baseline: [{check: POLL-01}]", "tls: {allow_http: maybe}",
	} {
		if schema.Validate(tree(t, good+addition)) == nil {
			t.Errorf("%s is accepted", addition)
		}
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("profile.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("profile.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// tree is YAML as a validator of JSON wants it.
func tree(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// schemaGenerator makes the schema of the types.
type schemaGenerator struct {
	comments    map[string]string
	definitions object
}

// variable is a string with a ${variable}, which may stand for any scalar.
var variable = object{"type": "string", "pattern": `\$\{[^}]+\}`}

// structure is the schema of a struct.
func (g schemaGenerator) structure(t reflect.Type) object {
	properties := object{}
	fields := fieldsOf(t)
	for _, key := range fields.keys {
		field := fields.byKey[key]
		property := g.value(field.Type, field.Tag.Get("profile"), schemaWords[t.Name()+"."+key])
		if said := g.comments[t.Name()+"."+field.Name]; said != "" {
			if reference, ok := property["$ref"]; ok {
				property = object{"allOf": []any{object{"$ref": reference}}}
			}
			property["description"] = strings.Replace(said, field.Name+" ", key+" ", 1)
		}
		properties[key] = property
	}
	s := object{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if required := schemaRequired[t.Name()]; required != nil {
		s["required"] = required
	}
	return s
}

func (g schemaGenerator) reference(t reflect.Type) object {
	if _, known := g.definitions[t.Name()]; !known {
		g.definitions[t.Name()] = nil // for types that hold themselves
		g.definitions[t.Name()] = g.structure(t)
	}
	return object{"$ref": "#/$defs/" + t.Name()}
}

func (g schemaGenerator) value(t reflect.Type, tag string, words []string) object {
	if sibling, ok := strings.CutPrefix(tag, "none="); ok && sibling != "" {
		return object{"anyOf": []any{g.value(t, "", words), object{"const": "none"}}}
	}
	switch {
	case t == secretType:
		source := object{
			"type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
			"properties": object{"env": object{"type": "string"}, "file": object{"type": "string"}, "generate": object{"type": "boolean"}},
		}
		if tag == "plain" {
			return object{"anyOf": []any{source, object{"type": []string{"string", "number"}}}}
		}
		return source
	case t == durationType:
		return object{"type": []string{"string", "null"}, "pattern": `^([0-9.]+(ns|us|µs|ms|s|m|h))+$|^0$|\$\{[^}]+\}`}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.value(t.Elem(), tag, words)
	case reflect.Struct:
		return g.reference(t)
	case reflect.Slice:
		item := g.value(t.Elem(), "", words)
		list := object{"type": []string{"array", "null"}, "items": item}
		if tag == "single" {
			return object{"anyOf": []any{list, item}}
		}
		return list
	case reflect.Map:
		return object{"type": []string{"object", "null"}, "additionalProperties": g.value(t.Elem(), tag, nil)}
	case reflect.String:
		if words != nil {
			return object{"anyOf": []any{object{"enum": words}, variable, object{"type": "null"}}}
		}
		return object{"type": []string{"string", "number", "boolean", "null"}}
	case reflect.Bool:
		return object{"anyOf": []any{object{"type": []string{"boolean", "null"}}, variable}}
	case reflect.Int:
		return object{"anyOf": []any{object{"type": []string{"integer", "null"}}, variable}}
	case reflect.Float64:
		return object{"anyOf": []any{object{"type": []string{"number", "null"}}, variable}}
	}
	panic(fmt.Sprintf("the schema has a field of type %s", t))
}

// fieldComments reads what stands above or behind each field of the package's
// structs.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	comments := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range structure.Fields.List {
				said := field.Doc.Text()
				if said == "" {
					said = field.Comment.Text()
				}
				for _, name := range field.Names {
					comments[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(said), " ")
				}
			}
			return true
		})
	}
	return comments
}
