package formats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
)

// Format is one output format with its own file.
type Format struct {
	Name, File, About string
	Write             func(io.Writer, report.Result) error
}

// All returns the formats, with the names used on the command line.
func All() []Format {
	return []Format{
		{"json", "result.json", "the result itself", report.WriteJSON},
		{"junit", "junit.xml", "for build servers", JUnit},
		{"sarif", "report.sarif", "SARIF 2.1.0, for code scanning", SARIF},
		{"gitlab", "gl-code-quality-report.json", "GitLab code quality", GitLab},
		{"markdown", "report.md", "for people and merge requests", Markdown},
	}
}

// Find returns the format with that name.
func Find(name string) (Format, bool) {
	for _, f := range All() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// Bytes returns the complete output of a format.
func (f Format) Bytes(r report.Result) ([]byte, error) {
	var b bytes.Buffer
	if err := f.Write(&b, r); err != nil {
		return nil, fmt.Errorf("writing %s: %w", f.Name, err)
	}
	return b.Bytes(), nil
}

// encode writes JSON that acts on nobody who prints it.
func encode(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(report.InertJSON(b.Bytes()))
	return err
}

// maxText bounds each text of a target.
const maxText = 2000

// text is a target's text that can be shown, over several lines.
func text(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + " …"
	}
	return report.Visible(s)
}

// line is a target's text on one line.
func line(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + " …"
	}
	return report.Visible(strings.Join(strings.Fields(s), " "))
}
