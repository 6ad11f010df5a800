package profiles

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// document is a profile while it is loaded, from text to Profile.
type document struct {
	file string
	root *yaml.Node
	vars *variables
	// places has the position of every given key, by path.
	places   map[string]place
	problems []Problem
}

// place is the position of a value.
type place struct {
	file         string
	line, column int
}

func (at place) problem(path, message, hint string) Problem {
	return Problem{File: at.file, Line: at.line, Column: at.column, Path: path, Message: message, Hint: hint}
}

func (d *document) placeOf(node *yaml.Node) place {
	if node.Line == 0 {
		return place{file: "--set"}
	}
	return place{d.file, node.Line, node.Column}
}

// report adds a problem at a node. Nodes made from an override have no line.
func (d *document) report(path string, node *yaml.Node, message, hint string) {
	at := place{file: d.file}
	if node != nil {
		at = d.placeOf(node)
	}
	d.add(at.problem(path, message, hint))
}

// reportAt adds a problem of a key, at the position of the key or of the
// nearest given key above it.
func (d *document) reportAt(path, message, hint string) {
	at, around := place{file: d.file}, path
	for around != "" {
		if found, ok := d.places[around]; ok {
			at = found
			break
		}
		around = parentOf(around)
	}
	d.add(at.problem(path, message, hint))
}

func (d *document) add(p Problem) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, p)
	}
}

// given reports whether a key has a value in the profile.
func (d *document) given(path string) bool {
	node := d.root
	for key := range strings.SplitSeq(path, ".") {
		if node == nil || node.Kind != yaml.MappingNode {
			return false
		}
		node = lookup(node, key)
	}
	return node != nil && !isNull(node)
}

// troubled reports whether there is already a problem at the path or below it.
func (d *document) troubled(path string) bool {
	for _, p := range d.problems {
		if p.Path == path || strings.HasPrefix(p.Path, path+".") {
			return true
		}
	}
	return false
}

// mistyped reports whether a mapping is not a mapping, or has an unknown key
// that may be a misspelling of a missing one.
func (d *document) mistyped(path string) bool {
	for _, p := range d.problems {
		if p.Path == path && path != "" || p.Message == unknownKey && parentOf(p.Path) == path {
			return true
		}
	}
	return false
}

// require reports a missing key, unless another problem explains it.
func (d *document) require(path, hint string) {
	if !d.troubled(path) && !d.mistyped(parentOf(path)) {
		d.reportAt(path, "missing", hint)
	}
}

// requireOne reports a mapping that has none of several keys.
func (d *document) requireOne(path, message, hint string) {
	if !d.mistyped(path) {
		d.reportAt(path, message, hint)
	}
}

// oneOf checks a value against the known ones.
func (d *document) oneOf(path, word string, known ...string) {
	if !slices.Contains(known, word) {
		d.reportAt(path, fmt.Sprintf("unknown value %s", clip(word)), "expected "+strings.Join(known, ", "))
	}
}

// kindName describes the type of a node for messages, without its content,
// which may be a misplaced secret.
func kindName(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch node.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	default:
		return "a string"
	}
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// lookup returns the value of a key in a mapping, or nil.
func lookup(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// parentOf returns a path without its last key.
func parentOf(path string) string { return path[:max(0, strings.LastIndexByte(path, '.'))] }

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
