package profiles

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// set applies one override key=value to the tree, before anything is decoded,
// so that variables, defaults and validation treat it like the file's text.
func (d *document) set(override string) {
	path, value, found := strings.Cut(override, "=")
	if !found || path == "" {
		d.refuseSet(override, "expected key=value")
		return
	}
	s := setter{document: d, path: path, value: value}
	s.descend(d.root, reflect.TypeFor[Profile](), "", "", strings.Split(path, "."))
}

func (d *document) refuseSet(path, message string) {
	d.add(Problem{File: "--set", Path: path, Message: message})
}

// setter walks the tree and the schema together down to one key.
type setter struct {
	*document
	path, value string
}

// descend enters the node at a path, whose type is t, by the next key.
func (s *setter) descend(node *yaml.Node, t reflect.Type, tag, path string, keys []string) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == secretType {
		become(node, yaml.MappingNode) // one source replaces the other
	}
	key, rest := keys[0], keys[1:]
	var child *yaml.Node
	var childType reflect.Type
	var childTag string
	switch {
	case t.Kind() == reflect.Struct:
		fields := fieldsOf(t)
		field, known := fields.byKey[key]
		if !known {
			s.add(Problem{File: "--set", Path: join(path, key), Message: unknownKey, Hint: unknownKeyHint(key, fields.keys)})
			return
		}
		childType, childTag = field.Type, field.Tag.Get("profile")
		child = s.entry(node, key)
	case t.Kind() == reflect.Map:
		// The rest is one key: names of headers and parameters may hold dots.
		childType, childTag, rest = t.Elem(), tag, nil
		child = s.entry(node, strings.Join(keys, "."))
	case t.Kind() == reflect.Slice && tag == "single" && node.Kind != yaml.SequenceNode && !isNumber(key):
		s.descend(node, t.Elem(), "", path, keys)
		return
	case t.Kind() == reflect.Slice:
		childType = t.Elem()
		child = s.element(node, key, tag)
	default:
		s.refuse(fmt.Sprintf("there is no key %q inside a single value", key))
		return
	}
	switch {
	case child == nil: // reported
	case len(rest) > 0:
		s.descend(child, childType, childTag, join(path, key), rest)
	default:
		s.assign(child, childType, childTag)
	}
}

func (s *setter) refuse(message string) { s.refuseSet(s.path, message) }

// entry finds or makes the value of a key.
func (s *setter) entry(node *yaml.Node, key string) *yaml.Node {
	if isNull(node) {
		become(node, yaml.MappingNode)
	}
	if node.Kind != yaml.MappingNode {
		s.refuse(fmt.Sprintf("there is no key %q inside %s", key, kindName(node)))
		return nil
	}
	if child := lookup(node, key); child != nil {
		return child
	}
	child := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, child)
	return child
}

// element finds an element by its number from 0; the number after the last
// appends one.
func (s *setter) element(node *yaml.Node, key, tag string) *yaml.Node {
	if isNull(node) {
		become(node, yaml.SequenceNode)
	}
	if tag == "single" && node.Kind == yaml.MappingNode {
		only := *node
		become(node, yaml.SequenceNode)
		node.Content = []*yaml.Node{&only}
	}
	if node.Kind != yaml.SequenceNode {
		s.refuse(fmt.Sprintf("there is no element %q inside %s", key, kindName(node)))
		return nil
	}
	n, err := strconv.Atoi(key)
	switch size := len(node.Content); {
	case err != nil || n < 0 || n > size:
		s.refuse(fmt.Sprintf("expected an element number from 0 to %d, found %q", size, key))
		return nil
	case n == size:
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"})
	}
	return node.Content[n]
}

func isNumber(key string) bool {
	_, err := strconv.Atoi(key)
	return err == nil
}

// become makes a value an empty collection that still stands in its place.
func become(node *yaml.Node, kind yaml.Kind) {
	*node = yaml.Node{Kind: kind, Line: node.Line, Column: node.Column}
}

// assign writes the value. For a single value it is taken as it stands; for
// anything else it is YAML, for example [openid, profile].
func (s *setter) assign(node *yaml.Node, t reflect.Type, tag string) {
	switch kind := t.Kind(); {
	case kind == reflect.String, t == secretType && tag == "plain" && !strings.HasPrefix(s.value, "{"):
		*node = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s.value}
	case kind == reflect.Bool, kind == reflect.Float64, kind == reflect.Int, t == durationType:
		*node = yaml.Node{Kind: yaml.ScalarNode, Value: s.value}
	default:
		// Through the same bounds as a file: aliases may not explode here either.
		inner := &document{file: "--set"}
		value := inner.readTree([]byte(s.value))
		for _, p := range inner.problems {
			s.refuse(p.Message)
		}
		if value == nil {
			value = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
		}
		*node = *value
		forgetLines(node)
	}
}

// forgetLines marks a value as not of the file.
func forgetLines(node *yaml.Node) {
	node.Line, node.Column = 0, 0
	for _, child := range node.Content {
		forgetLines(child)
	}
}
