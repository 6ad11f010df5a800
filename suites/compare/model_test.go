package compare

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// TestColumns: each column gets a letter, and what its result says of itself; a
// lost one gets nothing but the letter.
func TestColumns(t *testing.T) {
	var columns []Column
	for i := range 28 {
		c := column(fmt.Sprint("server ", i), rules.Pass, "")
		c.Result.ExitCode, c.Result.DurationMS = i, int64(10*i)
		columns = append(columns, c)
	}
	columns[3] = Column{Name: "gone", Lost: "killed", Result: columns[3].Result}
	m := New(report.Tool{Version: "v"}, columns)
	letters := ""
	for i, c := range m.Columns {
		letters += c.Letter
		if c.Lost != "" {
			if c.ExitCode != 0 || c.DurationMS != 0 || c.Target != (report.Target{}) || c.Counts != (report.Counts{}) {
				t.Errorf("the lost column has %+v", c)
			}
			continue
		}
		if c.ExitCode != i || c.DurationMS != int64(10*i) || c.Target.Name != hostile || c.Counts.Pass != 1 {
			t.Errorf("%s: %+v", c.Name, c)
		}
	}
	if letters != "ABCDEFGHIJKLMNOPQRSTUVWXYZ2728" {
		t.Error(letters)
	}
	if m.Schema != Schema || m.Tool.Version != "v" || columns[0].Letter != "" {
		t.Errorf("%q %q, and the caller's column is now %q", m.Schema, m.Tool.Version, columns[0].Letter)
	}
}

// TestNoColumns: nothing to compare is a matrix all the same.
func TestNoColumns(t *testing.T) {
	m := New(report.Tool{}, nil)
	if len(m.Rows) != len(rules.Catalogue()) || len(m.Measured) != 0 {
		t.Errorf("%d rows, %d measured", len(m.Rows), len(m.Measured))
	}
	b, err := json.Marshal(m.Measured)
	if err != nil || string(b) != "[]" {
		t.Errorf("%s %v", b, err)
	}
}

// TestCells: what is missing from a result is skipped, and never passes.
func TestCells(t *testing.T) {
	m := New(report.Tool{}, []Column{column("a", rules.Pass, "")})
	for i, r := range m.Rows {
		c := r.Cells[0]
		if want := rules.Skip; i == 0 && c.Verdict != rules.Pass || i > 0 && (c.Verdict != want || c.Reason != "the result lacks this check") {
			t.Errorf("%s: %+v", r.ID, c)
		}
		if r.Class != "" {
			t.Errorf("%s: %q of one column", r.ID, r.Class)
		}
	}
}

// TestJudgedAndFailed: which verdicts say something of a server, and which say
// that it breaks the requirement.
func TestJudgedAndFailed(t *testing.T) {
	for _, test := range []struct {
		verdict       rules.Verdict
		expected      string
		judged, fails bool
	}{
		{rules.Pass, "", true, false},
		{rules.Fail, "", true, true},
		{rules.Warn, "", true, false},
		{rules.Info, "", true, false},
		{report.Fixed, "fail", true, false},
		{report.Known, "", true, true},
		{report.Known, "fail", true, true},
		{report.Known, "warn", true, false},
		{report.Known, "inconclusive", false, false},
		{report.Known, "na", false, false},
		{rules.NA, "", false, false},
		{rules.Skip, "", false, false},
		{rules.Inconclusive, "", false, false},
		{rules.Broken, "", false, false},
		{Lost, "", false, false},
	} {
		c := Cell{Verdict: test.verdict, expected: test.expected}
		if c.Judged() != test.judged || c.Fails() != test.fails {
			t.Errorf("%s, expected %q: judged %t, fails %t", test.verdict, test.expected, c.Judged(), c.Fails())
		}
	}
}

// TestDescribe: a simulation is always called one, and a lost column lost.
func TestDescribe(t *testing.T) {
	for _, test := range []struct {
		column Column
		want   string
	}{
		{Column{Target: report.Target{Name: "N", Kind: "real"}}, "N, real"},
		{Column{Target: report.Target{Name: "N", Version: "1.2", Kind: "real"}}, "N 1.2, real"},
		{Column{Target: report.Target{Name: "N", Kind: "simulated"}}, "N, SIMULATED, fidelity not stated"},
		{Column{Target: report.Target{Name: "N", Version: "1", Kind: "simulated", Fidelity: "low"}}, "N 1, SIMULATED (low)"},
		{Column{Target: report.Target{Name: "N", Kind: "simulated"}, Lost: "killed"}, "LOST: killed"},
	} {
		if got := test.column.Describe(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// TestTallyAndNotes: what went wrong with us counts as a failure, too.
func TestTallyAndNotes(t *testing.T) {
	c := Column{Counts: report.Counts{Pass: 1, Fail: 2, Error: 3, Fixed: 4, Warn: 5, Known: 6, Inconclusive: 7, NA: 8, Skip: 9}}
	if got := c.Tally(); got != "1 pass, 9 fail, 5 warn, 6 known, 7 inconclusive, 8 n/a, 9 skip" {
		t.Error(got)
	}
	for row, want := range map[[2]string]string{
		{"", ""}: "", {string(Differs), ""}: "differs", {string(OnlyFails), "b"}: "only b fails", {string(Unanimous), ""}: "all fail: suspect the check",
	} {
		if got := (Row{Class: Class(row[0]), Only: row[1]}).Note(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	m := Matrix{Rows: []Row{{Class: Differs}, {Class: OnlyFails}, {Class: Differs}, {}}}
	if m.Count(Differs) != 2 || m.Count(OnlyFails) != 1 || m.Count(Unanimous) != 0 {
		t.Error("rows are counted wrongly")
	}
}
