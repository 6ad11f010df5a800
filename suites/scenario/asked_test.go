package scenario

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

// constants are those of one file, by name, as far as they are text.
func constants(t *testing.T, file string) map[string]string {
	t.Helper()
	parsed, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]ast.Expr{}
	for _, d := range parsed.Decls {
		if group, ok := d.(*ast.GenDecl); ok && group.Tok == gotoken.CONST {
			for _, spec := range group.Specs {
				values := spec.(*ast.ValueSpec)
				for i, name := range values.Names {
					if i < len(values.Values) {
						declared[name.Name] = values.Values[i]
					}
				}
			}
		}
	}
	known := map[string]string{}
	for range 4 { // constants of constants of constants
		for name, e := range declared {
			if value, ok := valueOf(e, known, nil); ok {
				known[name] = value
			}
		}
	}
	return known
}

// valueOf is the text of an expression, where it is made of constants and of
// the functions of the package labels. Constants of packages are looked up as
// "labels.Poll".
func valueOf(e ast.Expr, known, packages map[string]string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == gotoken.STRING
	case *ast.Ident:
		if e.Obj != nil { // declared in this file, perhaps in this function
			spec, ok := e.Obj.Decl.(*ast.ValueSpec)
			if !ok || e.Obj.Kind != ast.Con || len(spec.Values) != 1 {
				return "", false
			}
			return valueOf(spec.Values[0], known, packages)
		}
		text, ok := known[e.Name]
		return text, ok
	case *ast.SelectorExpr:
		from, ok := e.X.(*ast.Ident)
		if !ok {
			return "", false
		}
		text, ok := packages[from.Name+"."+e.Sel.Name]
		return text, ok
	case *ast.BinaryExpr:
		left, one := valueOf(e.X, known, packages)
		right, other := valueOf(e.Y, known, packages)
		return left + right, one && other && e.Op == gotoken.ADD
	case *ast.CallExpr:
		f, ok := e.Fun.(*ast.SelectorExpr)
		if !ok {
			return "", false
		}
		var parts []string
		for _, arg := range e.Args {
			part, ok := valueOf(arg, known, packages)
			if number, is := arg.(*ast.BasicLit); is && number.Kind == gotoken.INT {
				part, ok = number.Value, true
			}
			if !ok {
				return "", false
			}
			parts = append(parts, part)
		}
		switch f.Sel.Name {
		case "Join", "Nth":
			return labels.Join(parts...), true
		case "Of", "Round":
			return labels.Of(parts[0], parts[1]), true
		case "InARow":
			return labels.InARow(parts[0]), true
		case "OnceMore":
			return labels.OnceMore(parts[0]), true
		}
	}
	return "", false
}

// recordedNames are the labels, and the names of journeys, attacks and series,
// that each scenario records: by its scripts here, and in the recordings of the
// reference server.
func recordedNames(t *testing.T) map[string][]string {
	t.Helper()
	names := map[string][]string{}
	scripted := func(scenario string, s script) {
		for _, text := range []string{s.labels, s.journeys, s.attacks} {
			for _, story := range stories(text) {
				names[scenario] = append(names[scenario], story...)
			}
		}
	}
	for scenario, s := range told {
		scripted(scenario, s)
	}
	for _, o := range toldOtherwise() {
		scripted(o.scenario, o.want)
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "recordings", "builtin", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		// Only the names: the rest of a recording is long.
		var recording struct {
			Scenarios []struct {
				Name      string
				Exchanges []struct{ Label string }
				Steps     []struct{ Name string }
				Attacks   []struct{ Name string }
				Guesses   []struct{ Series string }
			}
		}
		b, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(b, &recording)
		}
		if err != nil {
			t.Fatal(file, err)
		}
		for _, s := range recording.Scenarios {
			for _, x := range s.Exchanges {
				names[s.Name] = append(names[s.Name], x.Label)
			}
			for _, x := range append(s.Steps, s.Attacks...) {
				names[s.Name] = append(names[s.Name], x.Name)
			}
			for _, x := range s.Guesses {
				names[s.Name] = append(names[s.Name], x.Series)
			}
		}
	}
	return names
}

// TestRulesAreAnswered: whatever a rule asks a scenario for by constants, some
// telling of that scenario records. What a rule puts together at run time is not
// seen here; for that, TestTold holds the labels as they are.
func TestRulesAreAnswered(t *testing.T) {
	packages := map[string]string{}
	for prefix, file := range map[string]string{"labels.": "labels/labels.go", "transcript.": "scenarios.go"} {
		for name, value := range constants(t, filepath.Join("..", "transcript", file)) {
			packages[prefix+name] = value
		}
	}
	if packages["labels.CollectedWhose"] != labels.CollectedWhose || packages["transcript.Guessing"] != transcript.Guessing {
		t.Fatalf("%q", packages["labels.CollectedWhose"])
	}
	recorded := recordedNames(t)
	files, err := filepath.Glob(filepath.Join("..", "rules", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	asked, seen := 0, map[string]bool{}
	shared := map[string]string{} // constants of other files of the package
	for _, file := range files {
		maps.Copy(shared, constants(t, file))
	}
	judgeAsks := map[string]bool{"first": true, "all": true, "maybe": true, "journey": true, "attack": true}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		positions := gotoken.NewFileSet()
		parsed, err := parser.ParseFile(positions, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !judgeAsks[method.Sel.Name] {
				return true
			}
			scenario, one := valueOf(call.Args[0], shared, packages)
			label, other := valueOf(call.Args[1], shared, packages)
			if !one || !other {
				return true
			}
			asked++
			seen[scenario] = true
			for _, name := range recorded[scenario] {
				if name == label || strings.HasPrefix(name, label+"/") {
					return true
				}
			}
			t.Errorf("%s: nothing that %q records is labelled %q", positions.Position(call.Pos()), scenario, label)
			return true
		})
	}
	if asked < 130 || len(seen) < 30 {
		t.Errorf("only %d questions to %d scenarios were found", asked, len(seen))
	}
}
