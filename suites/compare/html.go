package compare

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var (
	//go:embed matrix.css
	style string
	//go:embed matrix.js
	script string
	//go:embed matrix.html
	page string
)

// What is kept of the evidence, so that the page stays small.
const (
	maxEvidence  = 2 << 20 // of all findings together
	maxPasses    = 1 << 20 // of all cells without findings
	maxBody      = 800
	maxText      = 1000
	maxFindings  = 4
	maxExchanges = 2
)

// WriteHTML writes one page that needs no network and no script. html/template
// escapes what a target sent, and the page's policy runs no script but its own.
func WriteHTML(w io.Writer, m Matrix) error {
	left, ofPasses := maxEvidence, maxPasses
	t, err := template.New("matrix").Funcs(template.FuncMap{
		"evidence": func(column int, c Cell) []shown { return evidence(m.Columns[column], c, &left) },
		"scene":    func(column int, c Cell) []excerpt { return scene(m.Columns[column], c, &ofPasses) },
		"cut":      func(s string) string { return cut(s, maxText) },
		"mark":     Mark,
		"word":     func(v rules.Verdict) string { return string(v) },
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("the comparison page: %w", err)
	}
	// The page shows of the runs themselves only what evidence and scene take.
	bare := m
	bare.Columns = slices.Clone(m.Columns)
	for i := range bare.Columns {
		bare.Columns[i].Result = report.Result{}
	}
	return t.Execute(w, map[string]any{
		"Matrix": report.Each(bare, report.Visible), "Sections": rules.Sections(),
		"Style": template.CSS(style), "Script": template.JS(script),
		"Policy": fmt.Sprintf("default-src 'none'; style-src %s; script-src %s", hash(style), hash(script)),
	})
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Mark returns the sign of a verdict; color is never the only one.
func Mark(v rules.Verdict) string {
	switch v {
	case rules.Pass:
		return "✓"
	case rules.Fail, rules.Broken, report.Fixed:
		return "✗"
	case rules.Warn:
		return "!"
	case rules.Inconclusive:
		return "?"
	case report.Known:
		return "~"
	case rules.Info:
		return "i"
	case Lost:
		return "×"
	}
	return "-"
}

// shown is a finding with the beginning of what was said.
type shown struct {
	rules.Finding
	Said []excerpt
}

type excerpt struct{ Label, Line, Sent, Outcome, Got string }

// evidence takes its size from what is left.
func evidence(c Column, x Cell, left *int) (list []shown) {
	for _, f := range x.Findings[:min(len(x.Findings), maxFindings)] {
		f.Expected, f.Observed = cut(f.Expected, maxText), cut(f.Observed, maxText)
		s := shown{Finding: f}
		for _, e := range exchanges(c, f, maxExchanges) {
			said := excerptOf(e)
			if size := len(said.Line) + len(said.Sent) + len(said.Got); size <= *left {
				*left -= size
				s.Said = append(s.Said, said)
			}
		}
		list = append(list, s)
	}
	return list
}

// scene is how the conversation of a check without findings began.
func scene(c Column, x Cell, left *int) (list []excerpt) {
	if len(x.Findings) > 0 || !x.Judged() {
		return nil
	}
	for _, s := range c.Result.Scenarios {
		if s.Transcript.Scenario != x.scenario {
			continue
		}
		for _, e := range s.Exchanges[:min(len(s.Exchanges), maxExchanges)] {
			said := excerptOf(e)
			if size := len(said.Line) + len(said.Sent) + len(said.Got); size <= *left {
				*left -= size
				list = append(list, said)
			}
		}
	}
	return list
}

func excerptOf(x wire.Exchange) excerpt {
	e := excerpt{Label: cut(x.Label, maxText), Line: cut(x.Method+" "+x.URL, maxBody), Sent: cut(string(x.Request.Body), maxBody), Outcome: report.Outcome(x)}
	if x.Response != nil {
		e.Got = cut(string(x.Response.Body), maxBody)
	}
	return e
}

func cut(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + " …"
	}
	return report.Visible(s)
}
