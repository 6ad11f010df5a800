package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/devicegrant/devicegrant/"

// mayImport is the order of the packages: each may import those that its entry
// names, and no other of ours.
var mayImport = map[string][]string{
	"profiles":                  {"profiles/clientkey", "profiles/totp"},
	"profiles/redact":           {"profiles"},
	"profiles/clientkey":        {},
	"profiles/totp":             {},
	"fakeidp":                   {},
	"suites/wire":               {},
	"suites/transcript":         {"suites/wire"},
	"suites/transcript/labels":  {},
	"suites/lateness":           {},
	"suites/useragent/pages":    {"suites/transcript", "profiles"},
	"suites/useragent":          {"suites/useragent/pages", "suites/transcript", "profiles", "profiles/totp"},
	"suites/useragent/chromium": {"suites/useragent", "suites/useragent/pages", "suites/transcript"},
	"suites/scenario":           {"suites/lateness", "suites/wire", "suites/transcript", "suites/transcript/labels", "suites/useragent", "profiles", "profiles/clientkey"},
	"suites/rules":              {"suites/wire", "suites/transcript", "suites/transcript/labels", "profiles", "profiles/redact"},
	"suites/report":             {"suites/wire", "suites/transcript", "suites/rules", "profiles", "profiles/redact"},
	"suites/report/formats":     {"suites/report", "suites/wire", "suites/rules"},
	"suites/report/page":        {"suites/report", "suites/wire", "suites/transcript", "suites/rules"},
	"suites/onboarding":         {"suites", "suites/report", "suites/scenario", "suites/transcript", "suites/useragent", "suites/useragent/chromium", "suites/wire", "profiles"},
	"suites/child":              {},
	"suites/builtin":            {"suites/child", "profiles/clientkey", "fakeidp"},
	"suites/mutation":           {"suites", "suites/builtin", "suites/lateness", "suites/report", "suites/rules", "profiles", "fakeidp"},
	"suites/compare":            {"suites/report", "suites/rules", "suites/wire"},
	"suites":                    {"suites/lateness", "suites/wire", "suites/transcript", "suites/useragent", "suites/useragent/chromium", "suites/scenario", "suites/rules", "suites/report", "profiles", "profiles/redact"},
	// The generator reads answers as the suite does where a target spells them
	// its own way, and takes secrets out of what it keeps.
	"loadgen/internal/transport": {},
	"loadgen":                    {"loadgen/internal/transport", "suites/wire", "suites/report", "profiles", "profiles/redact"},
	"loadgen/report":             {"loadgen", "suites/report"},
	"loadgen/approver":           {"loadgen", "suites/transcript", "suites/useragent", "suites/useragent/chromium", "profiles"},
	"cmd/devicegrant":            {"suites", "suites/builtin", "suites/child", "suites/compare", "suites/mutation", "suites/onboarding", "suites/report", "suites/report/formats", "suites/report/page", "suites/rules", "suites/scenario", "suites/useragent/chromium", "profiles", "fakeidp", "loadgen", "loadgen/approver", "loadgen/report", "testdata"},
	"testdata/stub":              {},
	"testdata/shots":             {"suites/useragent/chromium"},
	"testdata/bench":             {},
	"testdata":                   {},
	"testdata/targets":           {"suites/report", "suites/rules", "profiles/clientkey"},
	"testdata/realservers":       {"testdata/targets", "suites/report", "suites/rules", "suites/wire", "loadgen"},
}

// onlyIn keeps heavy dependencies where they belong.
var onlyIn = map[string][]string{
	"github.com/onsi/ginkgo":    {"suites"},
	"github.com/onsi/gomega":    {"suites"},
	"github.com/chromedp":       {"suites/useragent/chromium", "testdata/shots"},
	"github.com/vbauerster/mpb": {"cmd/devicegrant"},
	"github.com/spf13/cobra":    {"cmd/devicegrant"},
	// The fake IdP signs ID tokens, and a rule verifies those of any server.
	"github.com/go-jose":            {"fakeidp", "suites/rules", "suites/scenario", "profiles/clientkey"},
	"gopkg.in/yaml.v3":              {"profiles", "suites/rules", "suites/mutation", "cmd/devicegrant", "testdata/targets"},
	"github.com/fatih/color":        {"cmd/devicegrant"},
	"github.com/andybalholm":        {"profiles", "suites/useragent"},
	"golang.org/x/term":             {"cmd/devicegrant"},
	"golang.org/x/time":             {"suites/scenario"},
	"rsc.io/qr":                     {"suites/useragent"},
	"github.com/mattn/go-runewidth": {"cmd/devicegrant"},
	"github.com/HdrHistogram":       {"loadgen"},
	"github.com/prometheus":         {"cmd/devicegrant"},
	"github.com/pquerna/otp":        {"profiles/totp"},
}

// TestImports holds the order of the packages. What the fake IdP may import
// matters most: shared code could share a misreading of the RFC.
func TestImports(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(rel)
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			judgeImport(t, pkg, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func judgeImport(t *testing.T, pkg, name string) {
	t.Helper()
	if ours, ok := strings.CutPrefix(name, module); ok {
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("the package %s is not in the order of packages", pkg)
		} else if !slices.Contains(allowed, ours) {
			t.Errorf("%s imports %s", pkg, ours)
		}
		return
	}
	for prefix, homes := range onlyIn {
		if strings.HasPrefix(name, prefix) && !slices.Contains(homes, pkg) {
			t.Errorf("%s imports %s, which belongs in %v", pkg, name, homes)
		}
	}
}
