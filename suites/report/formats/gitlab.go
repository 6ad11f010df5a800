package formats

import (
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// codeQuality is an issue as GitLab reads it; the type is a dozen lines, and no
// kept library has it.
type codeQuality struct {
	Description string `json:"description"`
	CheckName   string `json:"check_name"`
	Fingerprint string `json:"fingerprint"`
	Severity    string `json:"severity"`
	Location    struct {
		Path  string `json:"path"`
		Lines struct {
			Begin int `json:"begin"`
		} `json:"lines"`
	} `json:"location"`
}

// GitLab writes a code quality report: an issue for each finding of a check
// that failed, warned or is undecided. Known deviations are omitted, because a
// merge request would show them as new.
func GitLab(w io.Writer, r report.Result) error {
	issues := []codeQuality{}
	ordinal := ordinals{}
	for _, c := range r.Checks {
		severity := ""
		switch o := outcomeOf(c, r.Policy); {
		case c.Verdict == report.Known || c.Verdict == rules.Info:
			continue
		case o == failed:
			severity = "major"
			if c.Level == rules.Must {
				severity = "critical"
			}
		case o == errored:
			severity = "minor"
		case o == noted:
			severity = "info"
		default:
			continue
		}
		list := grave(c)
		if len(list) == 0 {
			list = []rules.Finding{{Code: string(c.Verdict), Observed: c.Reason}}
		}
		for _, f := range list[:min(len(list), maxFindings)] {
			issue := codeQuality{CheckName: line(c.ID + " " + f.Code), Severity: severity}
			issue.Description = line(c.ID + " " + c.Title + ": " + inShort(report.Check{Reason: f.Observed, Findings: []rules.Finding{f}}))
			// What was observed may change with every run; the finding is the same.
			sum := sha256.Sum256([]byte(r.Target.Profile + "\x00" + c.ID + "\x00" + ordinal.next(c.ID+"/"+f.Code)))
			issue.Fingerprint = hex.EncodeToString(sum[:])
			issue.Location.Path, issue.Location.Lines.Begin = place(c, r)
			issues = append(issues, issue)
		}
	}
	return encode(w, issues)
}
