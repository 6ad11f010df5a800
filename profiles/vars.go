package profiles

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxExpansion limits the total size of expanded variables, because a variable
// can refer to others twice, and those to others again.
const maxExpansion = 1 << 20 // bytes

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variables are what ${name} may refer to: base_url and the entries of vars.
// They may refer to each other.
type variables struct {
	document *document
	nodes    map[string]*yaml.Node
	values   map[string]string
	state    map[string]variableState
	spent    int
}

type variableState int

const (
	unresolved variableState = iota
	resolving
	resolved
	broken // reported once, where it is defined
)

func newVariables(d *document) *variables {
	v := &variables{
		document: d,
		nodes:    map[string]*yaml.Node{},
		values:   map[string]string{},
		state:    map[string]variableState{},
	}
	if node := lookup(d.root, "vars"); node != nil && node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			switch {
			case key.Value == "base_url":
				d.report("vars.base_url", key, "base_url belongs at the top level, not in vars", "")
			case !variableName.MatchString(key.Value):
				d.report(join("vars", key.Value), key, "a variable's name consists of letters, digits and _", "")
			default:
				v.nodes[key.Value] = node.Content[i+1]
			}
		}
	}
	if node := lookup(d.root, "base_url"); node != nil {
		v.nodes["base_url"] = node
	} else {
		v.state["base_url"] = resolved
	}
	return v
}

// lookup resolves one variable; ok is false when it does not exist or is broken.
func (v *variables) lookup(name string) (value string, exists, ok bool) {
	node := v.nodes[name]
	switch v.state[name] {
	case resolved:
		return v.values[name], true, true
	case broken:
		return "", true, false
	case resolving:
		v.state[name] = broken
		v.document.report(v.path(name), node, "the variable refers to itself", "")
		return "", true, false
	}
	if node == nil {
		return "", false, false
	}
	v.state[name] = resolving
	if node.Kind == yaml.ScalarNode && !isNull(node) {
		text, expanded := v.expand(v.path(name), node)
		if !expanded {
			v.state[name] = broken
			return "", true, false
		}
		value = text
	}
	if name == "base_url" {
		value = strings.TrimSuffix(value, "/")
	}
	v.state[name], v.values[name] = resolved, value
	return value, true, true
}

func (v *variables) path(name string) string {
	if name == "base_url" {
		return name
	}
	return join("vars", name)
}

// expand replaces every ${name} of a scalar. If one of them is empty, the whole
// string is: "${expiry_url}/token" without a server is not a URL. $${ is a
// literal ${.
func (v *variables) expand(path string, node *yaml.Node) (string, bool) {
	rest, empty := node.Value, false
	var b strings.Builder
	for {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			b.WriteString(rest)
			break
		}
		if literal, escaped := strings.CutSuffix(before, "$"); escaped {
			b.WriteString(literal + "${")
			rest = after
			continue
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed || !variableName.MatchString(name) {
			v.document.report(path, node, "a variable is written ${name}", "write $${ for a literal ${")
			return "", false
		}
		value, exists, ok := v.lookup(name)
		if !exists {
			v.document.report(path, node, fmt.Sprintf("unknown variable ${%s}", name), v.unknownHint(name))
		}
		if !ok {
			return "", false
		}
		if value == "" {
			empty = true
		}
		if v.spent += len(value); v.spent > maxExpansion {
			v.document.report(path, node, fmt.Sprintf("the variables expand to more than %d bytes", maxExpansion), "")
			return "", false
		}
		b.WriteString(before + value)
		rest = tail
	}
	if empty {
		return "", true
	}
	return b.String(), true
}

func (v *variables) unknownHint(name string) string {
	known := slices.Sorted(maps.Keys(v.nodes))
	for _, k := range known {
		if editDistance(name, k) <= 2 {
			return fmt.Sprintf("did you mean ${%s}?", k)
		}
	}
	return "define it under vars, or write $${ for a literal ${"
}
