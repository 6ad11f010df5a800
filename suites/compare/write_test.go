package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// three is a matrix with two servers that answer differently and a lost one.
// One has evidence for its failure, the other a conversation for its pass.
func three() Matrix {
	check := func(verdict rules.Verdict, findings ...rules.Finding) report.Check {
		return report.Check{ID: rules.Catalogue()[0].ID, Verdict: verdict, Reason: "so it is", Scenario: "approval", Findings: findings}
	}
	said := conversation("approval", issues(`{"user_code":"QRST-1","interval":5}`), answered(2, "pending", 400, `{"error":"authorization_pending"}`), answered(3, "never shown", 400, ""))
	slower := conversation("approval", issues(`{"user_code":"QRSV-2","interval":7}`))
	broken := rules.Finding{Code: "cracked", Severity: rules.Fail, Expected: "whole", Observed: "in two", Exchanges: []rules.Ref{{Scenario: "approval", N: 1}, {Scenario: "gone", N: 7}}}
	return New(report.Tool{Version: "1"}, []Column{
		{Name: "good", Link: "good/result.json", Report: "good/report.html", Result: report.Result{Target: report.Target{Name: "Good", Kind: "real"}, Checks: []report.Check{check(rules.Pass)}, Scenarios: []report.Scenario{said}}},
		{Name: "bad", Result: report.Result{Target: report.Target{Name: "Bad", Kind: "simulated", Fidelity: "high"}, Checks: []report.Check{check(rules.Fail, broken)}, Scenarios: []report.Scenario{slower}}},
		{Name: "gone", Lost: "killed"},
	})
}

func written(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var writers = map[string]func(*bytes.Buffer, Matrix) error{
	"JSON":     func(b *bytes.Buffer, m Matrix) error { return WriteJSON(b, m) },
	"Markdown": func(b *bytes.Buffer, m Matrix) error { return WriteMarkdown(b, m) },
	"HTML":     func(b *bytes.Buffer, m Matrix) error { return WriteHTML(b, m) },
}

// TestDeterministic: the same results are written as the same bytes, and writing
// changes nothing.
func TestDeterministic(t *testing.T) {
	m := three()
	for name, write := range writers {
		first := written(t, func(b *bytes.Buffer) error { return write(b, m) })
		for range 5 {
			if written(t, func(b *bytes.Buffer) error { return write(b, m) }) != first || written(t, func(b *bytes.Buffer) error { return write(b, three()) }) != first {
				t.Fatalf("%s is written in several ways", name)
			}
		}
	}
	if len(m.Columns[0].Result.Scenarios) == 0 {
		t.Error("the page took the results out of the matrix")
	}
}

// TestMarkdown: the tables, but for the rows of the other requirements.
func TestMarkdown(t *testing.T) {
	r := rules.Catalogue()[0]
	want := `# Comparison

| | name | server | verdicts |
|---|---|---|---|
| A | good | Good, real | 1 pass, 0 fail, 0 warn, 0 known, 0 inconclusive, 0 n/a, 0 skip |
| B | bad | Bad, SIMULATED \(high\) | 0 pass, 1 fail, 0 warn, 0 known, 0 inconclusive, 0 n/a, 0 skip |
| C | gone | LOST&#58; killed |  |

0 rows differ; in 1, only one server fails; in 0, all fail (suspect the check).

## Requirements

| id | level | title | A | B | C | note |
|---|---|---|---|---|---|---|
| ` + r.ID + ` | ` + string(r.Level) + ` | ` + report.Markdown(r.Title) + ` | pass | fail | lost | only bad fails |

## Measured

| what | A | B | C |
|---|---|---|---|
| interval | 5 | 7 | lost |
| user\_code format | AAAA-9 | AAAA-9 | lost |
| verification\_uri\_complete | absent | absent | lost |
| answer to a poll before the decision | 400 "authorization\_pending" | not seen | lost |
| status of authorization\_pending | 400 | not seen | lost |
`
	m := three()
	m.Rows = m.Rows[:1]
	if got := written(t, func(b *bytes.Buffer) error { return WriteMarkdown(b, m) }); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestJSON: what is read again is what was written; results and what is only
// for the page stay out.
func TestJSON(t *testing.T) {
	text := written(t, func(b *bytes.Buffer) error { return WriteJSON(b, three()) })
	var back Matrix
	if err := json.Unmarshal([]byte(text), &back); err != nil {
		t.Fatal(err)
	}
	if back.Schema != Schema || len(back.Rows) != len(rules.Catalogue()) || back.Rows[0].Only != "bad" || back.Columns[2].Lost != "killed" || back.Columns[0].Link != "good/result.json" {
		t.Errorf("%+v", back.Columns)
	}
	for _, no := range []string{"QRST-1", "so it began", "expected\": \"fail"} {
		if strings.Contains(text, no) {
			t.Errorf("%q is in the matrix", no)
		}
	}
	hostileText := written(t, func(b *bytes.Buffer) error {
		return WriteJSON(b, New(report.Tool{}, []Column{column(hostile+"\u202e", "fail", "")}))
	})
	if strings.Contains(hostileText, "<script") || strings.ContainsAny(hostileText, "\x1b\u202e") {
		t.Error("a target's text is not inert")
	}
}

// full fails at the first write.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

// TestFullDisk: no writer swallows the error.
func TestFullDisk(t *testing.T) {
	m := three()
	for name, err := range map[string]error{"JSON": WriteJSON(full{}, m), "Markdown": WriteMarkdown(full{}, m), "HTML": WriteHTML(full{}, m)} {
		if err == nil || !strings.Contains(err.Error(), "the disk is full") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPage: evidence where there are findings, the beginning of the conversation
// where there are none, and links only where there is something.
func TestPage(t *testing.T) {
	page := written(t, func(b *bytes.Buffer) error { return WriteHTML(b, three()) })
	for _, want := range []string{
		"3 servers compared", `<b>A good</b>: Good, real`, `href="good/result.json"`, `href="good/report.html"`,
		"<small>SIMULATED</small>", "<small>LOST</small>", `<td class="lost">× lost</td>`, "✓ pass", "✗ fail",
		`data-class="only one fails" data-failing="bad"`, "<b>fail cracked</b><br>expected: whole<br>observed: in two", "The scenario began:", "QRST-1", "QRSV-2",
		"interval <small>differs</small>", "<td>not seen</td>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, no := range []string{"never shown", `href=""`, "http-equiv=\"refresh\""} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %q", no)
		}
	}
}

// TestNoScriptInLinks: an address that a browser would run is none.
func TestNoScriptInLinks(t *testing.T) {
	c := column("a", "pass", "")
	c.Link, c.Report = "javascript:alert(1)", `"><script>alert(1)</script>`
	page := written(t, func(b *bytes.Buffer) error { return WriteHTML(b, New(report.Tool{}, []Column{c})) })
	if strings.Contains(page, "javascript:alert") || strings.Contains(page, "<script>alert") {
		t.Error("a link runs a script")
	}
}

// TestMarks: every verdict has a sign of its own kind, so that colour is never
// the only one.
func TestMarks(t *testing.T) {
	for verdict, want := range map[rules.Verdict]string{
		rules.Pass: "✓", rules.Fail: "✗", rules.Broken: "✗", report.Fixed: "✗", rules.Warn: "!", rules.Inconclusive: "?", report.Known: "~", rules.Info: "i", Lost: "×", rules.NA: "-", rules.Skip: "-",
	} {
		if got := Mark(verdict); got != want {
			t.Errorf("%s: %q, want %q", verdict, got, want)
		}
	}
}

// TestEvidenceIsBounded: few findings, few exchanges, short texts, and all of
// them together below a limit.
func TestEvidenceIsBounded(t *testing.T) {
	var all []wire.Exchange
	var refs []rules.Ref
	for i := range 9 {
		all = append(all, answered(i+1, strings.Repeat("l", 2*maxText), 200, strings.Repeat("é", maxBody)))
		refs = append(refs, rules.Ref{Scenario: "approval", N: i + 1})
	}
	c := Column{Result: report.Result{Scenarios: []report.Scenario{conversation("approval", all...)}}}
	finding := rules.Finding{Severity: rules.Fail, Expected: strings.Repeat("e", 2*maxText), Observed: "o", Exchanges: refs}
	x := Cell{Verdict: rules.Fail, Findings: []rules.Finding{finding, finding, finding, finding, finding, finding}, scenario: "approval"}
	left := maxEvidence
	list := evidence(c, x, &left)
	if len(list) != maxFindings || len(list[0].Said) != maxExchanges {
		t.Fatalf("%d findings with %d exchanges", len(list), len(list[0].Said))
	}
	said := list[0].Said[0]
	if len(list[0].Expected) > maxText+4 || len(said.Label) > maxText+4 || len(said.Got) > maxBody+4 || !strings.HasSuffix(said.Got, "é …") {
		t.Errorf("%d, %d and %d bytes", len(list[0].Expected), len(said.Label), len(said.Got))
	}
	if used := maxEvidence - left; used != maxFindings*maxExchanges*(len(said.Line)+len(said.Sent)+len(said.Got)) {
		t.Errorf("%d bytes were counted", used)
	}
	left = len(said.Line) + len(said.Sent) + len(said.Got)
	if list := evidence(c, x, &left); len(list) != maxFindings || len(list[0].Said) != 1 || len(list[1].Said) != 0 || left != 0 {
		t.Errorf("with room for one: %d, and %d left", len(list[0].Said), left)
	}
	left = len(said.Line) + len(said.Sent) + len(said.Got) - 1
	if list := evidence(c, x, &left); len(list) != maxFindings || len(list[0].Said) != 0 {
		t.Error("an exchange is shown for which there is no room")
	}

	passed := Cell{Verdict: rules.Pass, scenario: "approval"}
	left = maxPasses
	if list := scene(c, passed, &left); len(list) != maxExchanges {
		t.Errorf("%d exchanges of a pass", len(list))
	}
	left = 0
	if len(scene(c, passed, &left)) > 0 || len(scene(c, x, &left)) > 0 || len(scene(c, Cell{Verdict: rules.Skip, scenario: "approval"}, &left)) > 0 {
		t.Error("a scene where there is no room, or no pass")
	}
	failure := excerptOf(wire.Exchange{Method: "GET", URL: "u", Failure: &wire.Failure{Kind: wire.FailTimeout}})
	if failure.Outcome != "timeout" || failure.Got != "" || failure.Line != "GET u" {
		t.Errorf("%+v", failure)
	}
}
