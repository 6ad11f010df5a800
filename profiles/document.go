package profiles

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// document is a profile on its way from text to Profile.
type document struct {
	file string
	root *yaml.Node
	vars *variables
	// places has the position of every key that is there, by path.
	places   map[string]place
	problems []Problem
}

// place is where a value stands.
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

// report notes a problem at a node. Nodes made from an override have no line.
func (d *document) report(path string, node *yaml.Node, message, hint string) {
	at := place{file: d.file}
	if node != nil {
		at = d.placeOf(node)
	}
	d.add(at.problem(path, message, hint))
}

// reportAt notes a problem of a key, or of the nearest key around it when it
// is not there.
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

// given reports that a key stands in the profile with a value.
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

// troubled reports that something at the path or below it is already wrong.
func (d *document) troubled(path string) bool {
	for _, p := range d.problems {
		if p.Path == path || strings.HasPrefix(p.Path, path+".") {
			return true
		}
	}
	return false
}

// mistyped reports that a mapping is no mapping, or has an unknown key that
// may be meant for one that is missing.
func (d *document) mistyped(path string) bool {
	for _, p := range d.problems {
		if p.Path == path && path != "" || p.Message == unknownKey && parentOf(p.Path) == path {
			return true
		}
	}
	return false
}

// require reports a key that is missing, unless another problem explains that.
func (d *document) require(path, hint string) {
	if !d.troubled(path) && !d.mistyped(parentOf(path)) {
		d.reportAt(path, "missing", hint)
	}
}

// requireOne does the same for a mapping that has none of several keys.
func (d *document) requireOne(path, message, hint string) {
	if !d.mistyped(path) {
		d.reportAt(path, message, hint)
	}
}

// oneOf checks a word against the known ones.
func (d *document) oneOf(path, word string, known ...string) {
	if !slices.Contains(known, word) {
		d.reportAt(path, fmt.Sprintf("unknown value %s", clip(word)), "expected "+strings.Join(known, ", "))
	}
}

// kindName says what a node is, for messages, without its content: it may be
// a misplaced secret.
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

// lookup finds a key of a mapping; nil if it is not there.
func lookup(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// parentOf is a path without its last key.
func parentOf(path string) string { return path[:max(0, strings.LastIndexByte(path, '.'))] }

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
