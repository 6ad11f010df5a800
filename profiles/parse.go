package profiles

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// What a profile may cost before anybody looks at its content.
const (
	maxFile    = 1 << 20 // bytes
	maxNodes   = 50_000  // values after aliases are copied
	maxAliases = 100
	maxDepth   = 32
	// maxProblems is how many are collected: a file with more is no profile.
	maxProblems = 100
)

// parse reads the text of a profile.
func parse(file string, text []byte) *document {
	d := &document{file: file, places: map[string]place{}}
	root := d.readTree(text)
	switch {
	case root != nil && root.Kind == yaml.MappingNode:
		d.root = root
	case root != nil:
		d.report("", root, "expected a mapping, found "+kindName(root), "")
	case len(d.problems) == 0:
		d.report("", nil, "the profile is empty", "")
	}
	return d
}

// readTree reads one YAML document and resolves its aliases. It returns nil
// for a text without any content and after a problem.
func (d *document) readTree(text []byte) *yaml.Node {
	if len(text) > maxFile {
		d.report("", nil, fmt.Sprintf("the file is larger than %d bytes", maxFile), "")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		d.syntaxError(err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		d.report("", &second, "a second YAML document starts here", "a file contains one profile")
		return nil
	case !errors.Is(err, io.EOF):
		d.syntaxError(err)
		return nil
	}
	aliases := copier{document: d}
	root := aliases.copy(first.Content[0], 0)
	if aliases.stopped {
		return nil
	}
	return root
}

var (
	lineOfError = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	// parserError are the messages whose line the library counts from 0.
	parserError = regexp.MustCompile(`did not find expected (<|node content|'-' indicator|key|',' or)`)
)

// syntaxError takes the line out of the library's message.
func (d *document) syntaxError(err error) {
	text := err.Error()
	p := Problem{File: d.file}
	if match := lineOfError.FindStringSubmatch(text); match != nil {
		p.Line, _ = strconv.Atoi(match[1])
		text = strings.TrimPrefix(text, match[0])
	}
	p.Message = "not YAML: " + text
	if parserError.MatchString(text) {
		p.Line++
	}
	if strings.Contains(text, "cannot start any token") {
		p.Hint = "indent with spaces, and quote strings that start with @ ` or %"
	}
	d.add(p)
}

// copier replaces aliases by copies of what they name, so that an override or
// a variable changes one place only, and bounds what that may cost.
type copier struct {
	*document
	nodes, aliases int
	stopped        bool
}

func (c *copier) copy(node *yaml.Node, depth int) *yaml.Node {
	c.nodes++
	switch {
	case depth > maxDepth:
		c.stop(node, "nested too deeply")
	case c.nodes > maxNodes:
		c.stop(node, "too many values")
	case node.Kind == yaml.AliasNode:
		c.aliases++
		if c.aliases > maxAliases {
			c.stop(node, "too many aliases")
		} else {
			return c.copy(node.Alias, depth+1)
		}
	case node.Style&yaml.TaggedStyle != 0:
		c.stop(node, "tags such as !name are not supported")
	}
	if c.stopped {
		return node
	}
	clone := *node
	clone.Content = make([]*yaml.Node, len(node.Content))
	for i, child := range node.Content {
		clone.Content[i] = c.copy(child, depth+1)
		if c.stopped {
			break
		}
	}
	return &clone
}

// stop reports the first excess only: the rest follows from it.
func (c *copier) stop(node *yaml.Node, message string) {
	if !c.stopped {
		c.stopped = true
		c.report("", node, message, "")
	}
}
