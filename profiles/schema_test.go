package profiles

import (
	"reflect"

	"gopkg.in/yaml.v3"
)

// schemaTypes adds every struct of the schema to seen.
func schemaTypes(t reflect.Type, seen map[reflect.Type]bool) map[reflect.Type]bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		schemaTypes(t.Elem(), seen)
	case reflect.Struct:
		if !seen[t] {
			seen[t] = true
			for _, field := range fieldsOf(t).byKey {
				schemaTypes(field.Type, seen)
			}
		}
	}
	return seen
}

// collectKeys notes which keys of which struct a tree has.
func collectKeys(node *yaml.Node, t reflect.Type, keys map[reflect.Type]map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer:
		collectKeys(node, t.Elem(), keys)
	case reflect.Slice:
		if node.Kind == yaml.MappingNode {
			collectKeys(node, t.Elem(), keys)
			return
		}
		for _, item := range node.Content {
			collectKeys(item, t.Elem(), keys)
		}
	case reflect.Struct:
		if keys[t] == nil {
			keys[t] = map[string]bool{}
		}
		if node.Kind != yaml.MappingNode {
			return
		}
		fields := fieldsOf(t)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i].Value
			if field, ok := fields.byKey[key]; ok {
				keys[t][key] = true
				collectKeys(node.Content[i+1], field.Type, keys)
			}
		}
	}
}
