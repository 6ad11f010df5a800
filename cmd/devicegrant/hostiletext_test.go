package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/devicegrant/devicegrant/loadgen"
	loadreport "github.com/devicegrant/devicegrant/loadgen/report"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// hostileText is what a target says to act on who reads it: orders to CI
// services, to a terminal, to a browser, and to what renders Markdown; and
// characters that hide, or turn a line around.
const hostileText = "::stop-commands::pause\n::error::forged\n  ::set-output name=a::b\n##[error]forged ##vso[task.complete]forged " +
	"\x1b]0;title\x07\x1b[2J\x9b31m \u202eevil\u2066\u200b\ufeff\U000e0041 [click](http://evil.example/) ![i](http://evil.example/) http://evil.example/ " +
	"<script>alert(1)</script><img src=x onerror=alert(1)> @octocat | ` *b* \x00 ]]> &lt; \"quote\" 'quote' $(id)"

// pester puts the text into every string of a value, but for those by which the
// program finds things.
func pester(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(hostileText)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			switch f.Name {
			case "ID", "Scenario", "Section", "Source", "Schema", "Label", "Kind", "Expect", "Link":
			default:
				if f.IsExported() {
					pester(v.Field(i))
				}
			}
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[wire.Bytes]() {
			v.SetBytes([]byte(hostileText))
			return
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range min(v.Len(), 12) {
			pester(v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			pester(v.Elem())
		}
	}
}

// hostileResult is a result in which the target said nothing else.
func hostileResult(t *testing.T) report.Result {
	t.Helper()
	r, err := report.Read(filepath.Join(recordedRuns, "builtin.json.gz"), nil)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := []rules.Verdict{rules.Fail, rules.Warn, rules.Info, rules.Inconclusive, rules.Pass, rules.NA, report.Known, report.Fixed, rules.Broken}
	for i := range r.Checks {
		c := &r.Checks[i]
		c.Verdict = verdicts[i%len(verdicts)]
		c.Findings = []rules.Finding{{Severity: rules.Fail, Exchanges: []rules.Ref{{Scenario: c.Scenario, N: 1}}}}
		c.Deviation = &report.Deviation{Expect: "fail", Link: "https://tracker.example/1"}
		pester(reflect.ValueOf(c).Elem())
	}
	r.Scenarios = r.Scenarios[:6]
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		s.Exchanges = s.Exchanges[:min(len(s.Exchanges), 4)]
		if len(s.Journeys) == 0 {
			s.Journeys = []transcript.Journey{{Steps: []transcript.Step{{N: 1}}, Trouble: &transcript.Trouble{Fields: []string{""}, Buttons: []string{""}}}}
		}
		pester(reflect.ValueOf(&s.Transcript).Elem())
	}
	r.Notes, r.Lost = []string{""}, "x"
	pester(reflect.ValueOf(&r.Notes).Elem())
	pester(reflect.ValueOf(&r.Lost).Elem())
	pester(reflect.ValueOf(&r.Target).Elem())
	r.Counts = report.Count(r.Checks)
	return r
}

var (
	orderAtStart = regexp.MustCompile(`(?m)^[ \t]*::`)
	orderInside  = regexp.MustCompile(`##\[|##vso\[`)
	markdownLink = regexp.MustCompile(`[^\\]\]\(http://evil`)
)

// hides says that a text has characters that are not to be seen, or that act on a
// terminal; our own zero width space behind @ is none.
func hides(text string) bool {
	return strings.ContainsFunc(strings.ReplaceAll(text, "@\u200b", "@"), func(c rune) bool {
		return c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c))
	})
}

// actsOn says in what way a text of a medium acts on who reads it.
func actsOn(medium, text string) (ways []string) {
	say := func(when bool, what string) {
		if when {
			ways = append(ways, what)
		}
	}
	say(hides(text), "hidden characters")
	switch medium {
	case ".html":
		say(strings.Contains(text, "<script>alert") || strings.Contains(text, "<img src=x"), "markup")
	case ".md":
		say(markdownLink.MatchString(text), "a link")
		say(strings.Contains(text, "<script") || strings.Contains(text, "<img"), "markup")
		say(strings.Contains(text, "@octocat"), "a mention")
		say(orderAtStart.MatchString(text) || orderInside.MatchString(text), "an order")
	case ".xml":
		say(xml.Unmarshal([]byte(text), new(struct{})) != nil && !errors.Is(xml.Unmarshal([]byte(text), new(struct{})), io.EOF), "broken XML")
	case ".json", ".sarif", ".har":
		say(!json.Valid([]byte(text)), "broken JSON")
		say(orderInside.MatchString(text) && medium == ".json", "an order")
		for line := range strings.Lines(text) {
			say(medium == ".sarif" && strings.Contains(line, `"text": `) && markdownLink.MatchString(line), "a link")
		}
	case "terminal":
		say(orderAtStart.MatchString(text) || orderInside.MatchString(text), "an order")
	}
	return ways
}

// TestNothingOfTheTargetActs: one hostile text through every medium.
func TestNothingOfTheTargetActs(t *testing.T) {
	r := hostileResult(t)
	dir := t.TempDir()
	check := func(medium, name, text string) {
		t.Helper()
		if ways := actsOn(medium, text); len(ways) > 0 {
			t.Errorf("%s: %s", name, strings.Join(ways, ", "))
		}
		if !strings.Contains(text, "evil") {
			t.Errorf("%s does not show the text at all", name)
		}
	}
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for _, folder := range []string{one, two} {
		if _, err := report.WriteDir(folder, r); err != nil {
			t.Fatal(err)
		}
	}
	names := strings.Join(formatNames(), ",")
	t.Setenv("GITHUB_STEP_SUMMARY", filepath.Join(dir, "summary.md"))
	if status, _, stderr := devicegrant("report", one, "--format", strings.ReplaceAll(names, ",github", "")); status != 0 {
		t.Fatal(stderr)
	}
	_, orders, _ := devicegrant("report", one, "--format", "github")
	for line := range strings.Lines(orders) {
		// Orders of our own, one in a line, and nothing of the target's can begin one.
		if !strings.HasPrefix(line, "::error ") && !strings.HasPrefix(line, "::warning ") || hides(line) {
			t.Errorf("an annotation: %.100q", line)
		}
	}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "trouble") || filepath.Ext(path) == ".jpg" {
			return err
		}
		text, err := os.ReadFile(path)
		check(filepath.Ext(path), strings.TrimPrefix(path, dir), string(text))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{
		{"diff", one, two}, {"compare", "a=" + one, "b=" + two, "--out", filepath.Join(dir, "matrix"), "--only", "fails"},
		{"report", one, "--format", "markdown", "--out", "-"},
	} {
		_, stdout, stderr := devicegrant(line...)
		if ways := actsOn("terminal", stdout+stderr); len(ways) > 0 {
			t.Errorf("%v: %s", line, strings.Join(ways, ", "))
		}
	}
	for _, name := range []string{"matrix.html", "matrix.md", "matrix.json"} {
		text, err := os.ReadFile(filepath.Join(dir, "matrix", name))
		if err != nil {
			t.Fatal(err)
		}
		check(filepath.Ext(name), name, string(text))
	}

	var terminal strings.Builder
	for _, look := range []look{{paint: newPaint(false)}, {verbose: true, paint: newPaint(false)}} {
		s := newScreen(&terminal, &terminal, look, false)
		s.Started(suites.Outline{Target: r.Target, Notes: r.Notes, Progress: nil})
		for _, c := range r.Checks {
			s.Checked(c)
		}
		s.results(r, "result.json", "report.html")
	}
	check("terminal", "the screen", terminal.String())

	terminal.Reset()
	execute(t.Context(), []string{"run", "--profile", hostileText}, &terminal, &terminal)
	check("terminal", "an error", terminal.String())

	load := loadgen.Result{Schema: loadgen.Schema, Samples: []loadgen.Sample{{}}, Notes: []string{""}, Thresholds: []loadgen.ThresholdResult{{}}}
	pester(reflect.ValueOf(&load).Elem())
	terminal.Reset()
	newLoadScreen(&terminal, &terminal, look{paint: newPaint(false)}, false).results(load, "out")
	check("terminal", "the screen of load", terminal.String())
	var page strings.Builder
	if err := loadreport.HTML(&page, load); err != nil {
		t.Fatal(err)
	}
	check(".html", "load.html", page.String())
}
