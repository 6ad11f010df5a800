package labels

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// askedFor are what a rule asks for by a label or a name: the methods of a
// rule's judge, with the place of the label among the arguments, and those of a
// transcript.
var askedFor = map[string]int{
	"first": 1, "all": 1, "maybe": 1, "journey": 1, "attack": 1,
	"Labelled": 0, "First": 0, "Journey": 0, "Attack": 0, "Guesses": 0,
}

// TestRulesAskByConstants: a label that a rule spells itself may be one that no
// scenario uses, and nobody would notice.
func TestRulesAskByConstants(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "rules", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	asked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		positions := token.NewFileSet()
		parsed, err := parser.ParseFile(positions, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			place, ok := askedFor[method.Sel.Name]
			if !ok || len(call.Args) <= place {
				return true
			}
			asked++
			ast.Inspect(call.Args[place], func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && strings.ContainsFunc(l.Value, unicode.IsLetter) {
					t.Errorf("%s: the label %s is no constant of the package labels", positions.Position(l.Pos()), l.Value)
				}
				return true
			})
			return true
		})
	}
	if asked < 200 {
		t.Errorf("only %d labels were found", asked)
	}
}
