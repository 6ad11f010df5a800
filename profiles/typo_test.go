package profiles

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestTypoInAnyKeyIsRefusedWithItsLine misspells every key of the template, one
// at a time and at every depth, with all its examples switched on.
func TestTypoInAnyKeyIsRefusedWithItsLine(t *testing.T) {
	schema := compiledSchema(t)
	tried := 0
	for _, text := range []string{
		switchedOff.ReplaceAllString(template(t), "$1$2"),
		alternative.ReplaceAllString(template(t), "$1"),
	} {
		d := parse("test.yaml", []byte(text))
		if d.root == nil {
			t.Fatal(newError(d.problems))
		}
		lines := strings.Split(text, "\n")
		for _, k := range keysWithAPlace(d.root, reflect.TypeFor[Profile](), "") {
			typo := k.node.Value + k.node.Value[len(k.node.Value)-1:]
			line := lines[k.node.Line-1]
			misspelt := slices.Clone(lines)
			misspelt[k.node.Line-1] = line[:k.node.Column-1] + typo + line[k.node.Column-1+len(k.node.Value):]
			wrong := strings.Join(misspelt, "\n")

			_, err := loadText(wrong, Options{})
			var e *Error
			if !errors.As(err, &e) || !slices.ContainsFunc(e.Problems, func(p Problem) bool {
				return p.Line == k.node.Line && strings.Contains(p.String(), typo) && (p.Message == unknownKey || !k.closed)
			}) {
				t.Errorf("%d: %s: %v", k.node.Line, join(k.path, typo), err)
			}
			if k.closed && schema.Validate(tree(t, wrong)) == nil {
				t.Errorf("%d: the JSON Schema accepts %s", k.node.Line, join(k.path, typo))
			}
			tried++
		}
	}
	if tried < 200 {
		t.Errorf("only %d keys were misspelt", tried)
	}
}

// placedKey is a key of the schema and where it stands. It is closed if the JSON
// Schema, too, knows which keys there are.
type placedKey struct {
	path   string
	node   *yaml.Node
	closed bool
}

// keysWithAPlace lists the keys that a profile may not choose: those of vars,
// params, headers and the like are free.
func keysWithAPlace(node *yaml.Node, t reflect.Type, path string) (list []placedKey) {
	switch {
	case t.Kind() == reflect.Pointer:
		return keysWithAPlace(node, t.Elem(), path)
	case t.Kind() == reflect.Slice && node.Kind == yaml.MappingNode:
		return keysWithAPlace(node, t.Elem(), path)
	case t.Kind() == reflect.Slice:
		for _, item := range node.Content {
			list = append(list, keysWithAPlace(item, t.Elem(), path)...)
		}
	case node.Kind != yaml.MappingNode:
	case t == secretType, strings.HasPrefix(path, "responses.") && t.Kind() == reflect.Map:
		for i := 0; i < len(node.Content); i += 2 {
			list = append(list, placedKey{path, node.Content[i], t == secretType})
		}
	case t.Kind() == reflect.Struct:
		fields := fieldsOf(t)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			list = append(list, placedKey{path, key, true})
			list = append(list, keysWithAPlace(node.Content[i+1], fields.byKey[key.Value].Type, join(path, key.Value))...)
		}
	}
	return list
}
