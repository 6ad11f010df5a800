package profiles

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"
)

// Show returns the effective profile as YAML: variables expanded, defaults
// filled in, secrets as their sources and, after each value, its origin: the
// line of the file, --set, or default. The output is a valid profile.
func (p *Profile) Show() ([]byte, error) {
	w := shower{origins: p.origins}
	root := w.mapping("", reflect.ValueOf(p).Elem())
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("profiles: showing %s: %w", p.Name, err)
	}
	return b.Bytes(), nil
}

// origins says for each key that is there where it stands.
func (d *document) origins() map[string]string {
	list := make(map[string]string, len(d.places))
	for path, at := range d.places {
		list[path] = at.file
		if at.line > 0 {
			list[path] += ":" + strconv.Itoa(at.line)
		}
	}
	return list
}

// shower turns the resolved values into a tree of YAML.
type shower struct{ origins map[string]string }

// mapping is a struct, without the keys that are neither given nor have a
// default.
func (w shower) mapping(path string, v reflect.Value) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	fields := fieldsOf(v.Type())
	for _, key := range fields.keys {
		at := join(path, key)
		value := v.FieldByIndex(fields.byKey[key].Index)
		if _, given := w.origins[at]; !given && value.IsZero() || absent(value) {
			continue
		}
		if child := w.node(at, value); child != nil {
			node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, child)
		}
	}
	return node
}

// absent says that a pointer, list or map leads nowhere.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil()
	case reflect.Slice, reflect.Map:
		return v.Len() == 0 && v.IsNil()
	}
	return false
}

// node is any value; nil for one that has nothing in it.
func (w shower) node(path string, v reflect.Value) *yaml.Node {
	if v.Kind() == reflect.Pointer {
		return w.node(path, v.Elem())
	}
	switch value := v.Interface().(type) {
	case Secret:
		return w.secret(path, value)
	case time.Duration:
		return w.scalar(path, value.String())
	}
	switch v.Kind() {
	case reflect.Struct:
		if node := w.mapping(path, v); len(node.Content) > 0 {
			return node
		}
		return nil
	case reflect.Slice:
		return w.list(path, v)
	case reflect.Map:
		node := &yaml.Node{Kind: yaml.MappingNode}
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
		for _, key := range keys {
			name := &yaml.Node{}
			name.SetString(key.String())
			node.Content = append(node.Content, name, w.node(join(path, key.String()), v.MapIndex(key)))
		}
		return node
	}
	return w.scalar(path, v.Interface())
}

func (w shower) list(path string, v reflect.Value) *yaml.Node {
	node := &yaml.Node{Kind: yaml.SequenceNode}
	plain := v.Type().Elem().Kind() == reflect.String
	for i := range v.Len() {
		at := join(path, strconv.Itoa(i))
		if child := w.node(at, v.Index(i)); child != nil {
			if plain {
				child.LineComment = "" // the list has one
			}
			node.Content = append(node.Content, child)
		}
	}
	if plain {
		node.Style, node.LineComment = yaml.FlowStyle, w.origin(path)
	}
	return node
}

// secret is what a secret is read from; a name that is none stands as it is.
func (w shower) secret(path string, s Secret) *yaml.Node {
	if s.plain {
		return w.scalar(path, s.Reveal())
	}
	node := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, LineComment: w.origin(path)}
	add := func(key string, value any) {
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, w.scalar("", value))
		node.Content[1].LineComment = ""
	}
	switch {
	case s.Env != "":
		add("env", s.Env)
	case s.File != "":
		add("file", s.File)
	case s.Generate:
		add("generate", true)
	default:
		return nil
	}
	return node
}

func (w shower) scalar(path string, value any) *yaml.Node {
	node := &yaml.Node{}
	if err := node.Encode(value); err != nil {
		panic(err) // strings, numbers and booleans can be encoded
	}
	node.LineComment = w.origin(path)
	return node
}

// origin says where a value comes from.
func (w shower) origin(path string) string {
	if at, given := w.origins[path]; given {
		return at
	}
	return "default"
}
