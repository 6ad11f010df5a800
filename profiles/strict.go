package profiles

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// The decoder of this package, instead of the YAML library's: that one gives
// no columns and no paths, stops checking for unknown keys inside types that
// decode themselves, and knows nothing of variables.
//
// A struct tag `profile:"..."` marks the few places with a second spelling:
//
//	plain       a Secret, or a map of them, that may also be a plain string
//	single      a list that may also be one of its elements
//	none=Field  the word none sets the boolean Field beside it

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
)

// fill decodes a node into target and reports whatever does not fit. A null is
// the same as an absent key.
func (d *document) fill(path string, node *yaml.Node, target reflect.Value, tag string) {
	if isNull(node) {
		return
	}
	switch target.Type() {
	case durationType:
		d.fillDuration(path, node, target)
		return
	case secretType:
		d.fillSecret(path, node, target, tag == "plain")
		return
	}
	switch target.Kind() {
	case reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		d.fill(path, node, target.Elem(), tag)
	case reflect.Struct:
		d.fillStruct(path, node, target)
	case reflect.Slice:
		d.fillSlice(path, node, target, tag)
	case reflect.Map:
		d.fillMap(path, node, target, tag)
	case reflect.String:
		if text, ok := d.text(path, node, "a string"); ok {
			target.SetString(text)
		}
	case reflect.Bool:
		fillScalar(d, path, node, "true or false", parseBool, target.SetBool)
	case reflect.Int:
		fillScalar(d, path, node, "a whole number", parseInt, target.SetInt)
	case reflect.Float64:
		fillScalar(d, path, node, "a number", parseFloat, target.SetFloat)
	default:
		panic("profiles: the schema has a field of type " + target.Type().String())
	}
}

func parseBool(text string) (bool, error) {
	switch text {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, strconv.ErrSyntax
}

func parseInt(text string) (int64, error) { return strconv.ParseInt(text, 10, 32) }

func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsInf(f, 0) || math.IsNaN(f)) {
		err = strconv.ErrRange
	}
	return f, err
}

// fillScalar decodes what is not a string.
func fillScalar[T any](d *document, path string, node *yaml.Node, want string, parse func(string) (T, error), set func(T)) {
	text, ok := d.text(path, node, want)
	if !ok {
		return
	}
	if text == "" && node.Value != "" { // an empty variable: as if the key were absent
		*node = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: node.Line, Column: node.Column}
		return
	}
	value, err := parse(text)
	if err != nil {
		d.report(path, node, fmt.Sprintf("expected %s, found %s", want, clip(text)), "")
		return
	}
	set(value)
}

func (d *document) fillDuration(path string, node *yaml.Node, target reflect.Value) {
	const want = "a duration such as 10s or 1m30s"
	fillScalar(d, path, node, want, func(text string) (time.Duration, error) {
		if n, err := parseFloat(text); err == nil && n != 0 {
			d.report(path, node, fmt.Sprintf("expected %s, found a bare number", want), fmt.Sprintf("write %vs for seconds", n))
			return 0, nil
		}
		return time.ParseDuration(text)
	}, func(t time.Duration) { target.SetInt(int64(t)) })
}

// text is the content of a scalar with its variables expanded.
func (d *document) text(path string, node *yaml.Node, want string) (string, bool) {
	if node.Kind != yaml.ScalarNode {
		d.report(path, node, fmt.Sprintf("expected %s, found %s", want, kindName(node)), "")
		return "", false
	}
	return d.vars.expand(path, node)
}

func (d *document) fillStruct(path string, node *yaml.Node, target reflect.Value) {
	fields := fieldsOf(target.Type())
	d.eachKey(path, node, func(key, value *yaml.Node, path string) {
		field, known := fields.byKey[key.Value]
		if !known {
			d.report(path, key, unknownKey, unknownKeyHint(key.Value, fields.keys))
			return
		}
		tag := field.Tag.Get("profile")
		if sibling, ok := strings.CutPrefix(tag, "none="); ok && value.Kind == yaml.ScalarNode && value.Value == "none" {
			target.FieldByName(sibling).SetBool(true)
			return
		}
		d.fill(path, value, target.FieldByIndex(field.Index), tag)
	})
	if file := target.FieldByName("File"); file.IsValid() && target.Type() == reflect.TypeFor[Deviation]() {
		file.SetString(d.file)
	}
	if line := target.FieldByName("Line"); line.IsValid() {
		line.SetInt(int64(node.Line))
	}
}

func unknownKeyHint(key string, known []string) string {
	if key == "<<" {
		return "merge keys are not supported: an alias can only replace a whole value"
	}
	return didYouMean(key, known)
}

func (d *document) fillSlice(path string, node *yaml.Node, target reflect.Value, tag string) {
	list := reflect.MakeSlice(target.Type(), 0, len(node.Content))
	switch {
	case node.Kind == yaml.SequenceNode:
	case tag == "single" && node.Kind == yaml.MappingNode:
		element := reflect.New(list.Type().Elem()).Elem()
		d.fill(path, node, element, "")
		target.Set(reflect.Append(list, element))
		return
	default:
		hint := ""
		if node.Kind == yaml.ScalarNode {
			hint = "write [one, two]"
		}
		d.report(path, node, "expected a list, found "+kindName(node), hint)
		return
	}
	for i, item := range node.Content {
		path := join(path, strconv.Itoa(i))
		d.places[path] = d.placeOf(item)
		if isNull(item) {
			d.report(path, item, "an empty entry", "")
		}
		element := reflect.New(list.Type().Elem()).Elem()
		d.fill(path, item, element, "")
		if element.Kind() == reflect.String && element.Len() == 0 && item.Value != "" {
			continue // it named an empty variable
		}
		list = reflect.Append(list, element)
	}
	target.Set(list)
}

func (d *document) fillMap(path string, node *yaml.Node, target reflect.Value, tag string) {
	entries := reflect.MakeMap(target.Type())
	d.eachKey(path, node, func(key, value *yaml.Node, path string) {
		element := reflect.New(target.Type().Elem()).Elem()
		d.fill(path, value, element, tag)
		if value.Value != "" && element.IsZero() {
			return // it named an empty variable, or was refused
		}
		entries.SetMapIndex(reflect.ValueOf(key.Value), element)
	})
	target.Set(entries)
}

// eachKey walks a mapping, refuses keys that stand there twice, and notes
// where each one stands.
func (d *document) eachKey(path string, node *yaml.Node, visit func(key, value *yaml.Node, path string)) {
	if node.Kind != yaml.MappingNode {
		d.report(path, node, "expected a mapping, found "+kindName(node), "")
		return
	}
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.report(path, key, "expected a key, found "+kindName(key), "")
			continue
		}
		path := join(path, key.Value)
		if other := first[key.Value]; other != nil {
			d.report(path, key, fmt.Sprintf("duplicate key, first on line %d", other.Line), "")
			continue
		}
		first[key.Value] = key
		// A scalar is pointed at itself, a block at the key that opens it.
		d.places[path] = d.placeOf(key)
		if value.Kind == yaml.ScalarNode && !isNull(value) {
			d.places[path] = d.placeOf(value)
		}
		visit(key, value, path)
	}
}

// fieldSet is a struct's part of the schema.
type fieldSet struct {
	keys  []string
	byKey map[string]reflect.StructField
}

func fieldsOf(t reflect.Type) fieldSet {
	set := fieldSet{byKey: map[string]reflect.StructField{}}
	for field := range t.Fields() {
		key := field.Tag.Get("yaml")
		if key == "" || key == "-" {
			continue
		}
		set.keys = append(set.keys, key)
		set.byKey[key] = field
	}
	return set
}

// clip quotes a value for a message and keeps it short.
func clip(text string) string {
	const longest = 40
	if len(text) > longest {
		text = text[:longest] + "..."
	}
	return strconv.Quote(text)
}
