package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// TestEveryKeyIsRead: a key of the profile that no code outside its package
// looks at would be accepted and change nothing.
func TestEveryKeyIsRead(t *testing.T) {
	read := map[string]bool{}
	root := filepath.Join("..", "..")
	for _, dir := range []string{"suites", "loadgen", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					read[s.Sel.Name] = true
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// These end in the package: they become part of other values.
	for _, name := range []string{"Vars", "Optional", "NoDeny", "Keyed", "KeyID", "Alg"} {
		read[name] = true
	}
	keys := 0
	eachField(reflect.TypeFor[profiles.Profile](), map[reflect.Type]bool{}, func(owner reflect.Type, field reflect.StructField) {
		keys++
		if !read[field.Name] {
			t.Errorf("no code reads %s.%s (%s)", owner.Name(), field.Name, field.Tag.Get("yaml"))
		}
	})
	if keys < 100 {
		t.Errorf("only %d keys were looked at", keys)
	}
}

// eachField visits the keys of the profile's types.
func eachField(t reflect.Type, seen map[reflect.Type]bool, visit func(reflect.Type, reflect.StructField)) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		eachField(t.Elem(), seen, visit)
		return
	case reflect.Struct:
	default:
		return
	}
	if seen[t] || t == reflect.TypeFor[profiles.Secret]() || t == reflect.TypeFor[time.Duration]() {
		return
	}
	seen[t] = true
	for i := range t.NumField() {
		if field := t.Field(i); field.IsExported() && field.Tag.Get("yaml") != "-" {
			visit(t, field)
			eachField(field.Type, seen, visit)
		}
	}
}
