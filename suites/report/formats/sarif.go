package formats

import (
	"bytes"
	"io"
	"net/url"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// SARIF writes a SARIF 2.1.0 log: a rule for each check, and a result for each
// finding of a check that did not simply pass. A known deviation is a result
// that the baseline suppresses.
func SARIF(w io.Writer, r report.Result) error {
	run := sarif.NewRunWithInformationURI("devicegrant", "https://github.com/devicegrant/devicegrant")
	if r.Tool.Version != "" {
		run.Tool.Driver.WithVersion(line(r.Tool.Version))
	}
	index := map[string]int{}
	for i, c := range r.Checks {
		rule := run.AddRule(line(c.ID))
		rule.WithName(line(c.ID)).WithShortDescription(sarif.NewMultiformatMessageString().WithText(unlinked.Replace(line(c.Title))))
		about, help := line(c.Title), line(c.Source)
		if requirement, ok := rules.Find(c.ID); ok && requirement.Why != "" {
			about = requirement.Why
		}
		rule.WithFullDescription(sarif.NewMultiformatMessageString().WithText(unlinked.Replace(about))).
			WithHelp(sarif.NewMultiformatMessageString().WithText(unlinked.Replace(about + "\n\n" + help)))
		if address := report.SourceURL(c.Source); address != "" {
			rule.WithHelpURI(address)
		}
		rule.WithProperties(sarif.NewPropertyBag().Add("level", line(string(c.Level))).Add("section", line(c.Section)))
		index[c.ID] = i
	}
	ordinal := ordinals{}
	for _, c := range r.Checks {
		if o := outcomeOf(c, r.Policy); o == passed || o == skipped {
			continue
		}
		list := grave(c)
		if len(list) == 0 {
			list = []rules.Finding{{Code: string(c.Verdict), Observed: c.Reason}}
		}
		for _, f := range list[:min(len(list), maxFindings)] {
			run.AddResult(sarifResult(c, f, r, ordinal.next(c.ID+"/"+f.Code)).WithRuleIndex(index[c.ID]))
		}
	}
	run.WithProperties(sarif.NewPropertyBag().Add("target", titleOf(r.Target)).Add("kind", line(r.Target.Kind)).Add("profile", line(r.Target.Profile)))
	log := sarif.NewReport()
	log.AddRun(run)
	var b bytes.Buffer
	if err := log.PrettyWrite(&b); err != nil {
		return err
	}
	_, err := w.Write(report.InertJSON(b.Bytes()))
	return err
}

// unlinked makes of a text one without links, which a message may have as
// [text](address) (SARIF 2.1.0 section 3.11.6).
var unlinked = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`)

func sarifResult(c report.Check, f rules.Finding, r report.Result, name string) *sarif.Result {
	kind, level := "fail", "error"
	switch o := outcomeOf(c, r.Policy); {
	case c.Verdict == rules.Info:
		kind, level = "informational", "none"
	case o == errored || c.Verdict == rules.Inconclusive:
		kind, level = "open", "none"
	case o == noted && f.Severity != rules.Fail:
		level = "warning"
	}
	said := line(f.Observed)
	if f.Expected != "" {
		said = "expected " + line(f.Expected) + "; observed " + said
	}
	file, at := place(c, r)
	result := sarif.NewRuleResult(line(c.ID)).WithKind(kind).WithLevel(level).
		WithMessage(sarif.NewTextMessage(unlinked.Replace(line(c.Title) + ": " + said))).
		WithPartialFingerprints(map[string]string{"check/v1": line(r.Target.Profile + "/" + name)}).
		WithProperties(sarif.NewPropertyBag().Add("code", line(f.Code)).Add("verdict", verdictWord(c.Verdict)).Add("evidence", details(c, r)))
	result.AddLocation(sarif.NewLocationWithPhysicalLocation(sarif.NewPhysicalLocation().
		WithArtifactLocation(sarif.NewSimpleArtifactLocation((&url.URL{Path: file}).String())).
		WithRegion(sarif.NewRegion().WithStartLine(at))))
	// Where one result has the member, all have it: an absent one means unknown.
	result.WithSuppressions([]*sarif.Suppression{})
	if d := c.Deviation; d != nil && c.Verdict == report.Known {
		result.AddSuppression(sarif.NewSuppression().WithKind("external").WithJustification(line(d.Reason + " " + d.Link)))
	}
	return result
}
