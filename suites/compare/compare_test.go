package compare

import (
	"bytes"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

const hostile = "</script><script>alert(1)</script>|`*\x1b[2J"

func column(name string, verdict rules.Verdict, expect string) Column {
	c := report.Check{ID: rules.Catalogue()[0].ID, Verdict: verdict, Reason: hostile, Findings: []rules.Finding{{Code: "x", Severity: verdict, Observed: hostile}}}
	if expect != "" {
		c.Deviation = &report.Deviation{Expect: expect}
	}
	return Column{Name: name, Result: report.Result{Target: report.Target{Name: hostile, Kind: "simulated", Fidelity: "low"}, Checks: []report.Check{c}}}
}

func TestClasses(t *testing.T) {
	lost := Column{Name: "gone", Lost: "killed"}
	for _, c := range []struct {
		name    string
		columns []Column
		class   Class
		only    string
	}{
		{"the same", []Column{column("a", "pass", ""), column("b", "pass", "")}, "", ""},
		{"only one", []Column{column("a", "pass", ""), column("b", "fail", ""), column("c", "warn", "")}, OnlyFails, "b"},
		{"all fail", []Column{column("a", "fail", ""), column("b", "known", "fail"), lost}, Unanimous, ""},
		{"two fail, and what the third does is unknown", []Column{column("a", "fail", ""), column("b", "fail", ""), column("c", "inconclusive", "")}, "", ""},
		{"all that were judged fail, but that is one", []Column{column("a", "fail", ""), column("b", "inconclusive", "")}, "", ""},
		{"an optional feature", []Column{column("a", "na", ""), column("b", "pass", "")}, Differs, ""},
		{"missing evidence is no difference", []Column{column("a", "skip", ""), column("b", "pass", ""), lost}, "", ""},
		{"an expected inconclusive is not judged", []Column{column("a", "known", "inconclusive"), column("b", "fail", "")}, "", ""},
	} {
		row := New(report.Tool{}, c.columns).Rows[0]
		if row.Class != c.class || row.Only != c.only {
			t.Errorf("%s: %q, only %q; want %q, %q", c.name, row.Class, row.Only, c.class, c.only)
		}
	}
}

func TestLostColumnIsNeverAPass(t *testing.T) {
	m := New(report.Tool{}, []Column{column("a", "pass", ""), {Name: "b", Lost: "killed"}})
	for _, r := range m.Rows {
		if r.Cells[1].Verdict != Lost || r.Cells[1].Reason != "killed" {
			t.Fatalf("%s: %+v", r.ID, r.Cells[1])
		}
	}
	if len(m.Rows) != len(rules.Catalogue()) {
		t.Errorf("%d rows for %d requirements", len(m.Rows), len(rules.Catalogue()))
	}
}

func TestWritersEscape(t *testing.T) {
	m := New(report.Tool{}, []Column{column(hostile, "fail", ""), column("b", "pass", "")})
	var page, table bytes.Buffer
	if err := WriteHTML(&page, m); err != nil {
		t.Fatal(err)
	}
	if err := WriteMarkdown(&table, m); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<script>alert") || strings.Contains(table.String(), "<script>") {
		t.Error("a target's text became markup")
	}
	for _, want := range []string{"SIMULATED", "script-src 'sha256-", "only", "&lt;/script&gt;"} {
		if !strings.Contains(page.String(), want) && !strings.Contains(page.String(), strings.ReplaceAll(want, "'", "&#39;")) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// TestFilterByTheOnlyOne: what the page's script compares with the name of a
// column is that name. Of an attribute data-on... html/template makes a string
// of JavaScript, quotes and all.
func TestFilterByTheOnlyOne(t *testing.T) {
	var page bytes.Buffer
	if err := WriteHTML(&page, New(report.Tool{}, []Column{column("a", "pass", ""), column("b", "fail", "")})); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`data-failing="b"`, `<select name="failing"><option value="">any</option><option>a</option><option>b</option>`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %s", want)
		}
	}
}
