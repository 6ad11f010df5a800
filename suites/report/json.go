package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// WriteJSON writes a result as in result.json.
func WriteJSON(w io.Writer, r Result) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(true) // a report may end up inside a page
	enc.SetIndent("", " ")
	if err := enc.Encode(r); err != nil {
		return err
	}
	_, err := w.Write(InertJSON(b.Bytes()))
	return err
}

// WriteDir writes result.json below dir, and then the evidence of failed
// journeys, whose file names it records in r. It returns the path of
// result.json, or "" if that could not be written, and an error about the files
// that could not be written.
func WriteDir(dir string, r Result) (string, error) {
	found := scenariosWithFindings(r)
	var files []evidenceFile
	for i := range r.Scenarios {
		t := &r.Scenarios[i].Transcript
		files = append(files, nameEvidence(t, found[t.Scenario])...)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("the report folder: %w", err)
	}
	path := filepath.Join(dir, "result.json")
	if err := WriteFile(path, func(w io.Writer) error { return WriteJSON(w, r) }); err != nil {
		return "", err
	}
	var failed error
	for _, f := range files {
		place := filepath.Join(dir, filepath.FromSlash(f.name))
		err := os.MkdirAll(filepath.Dir(place), 0o755)
		if err == nil {
			err = WriteFile(place, func(w io.Writer) error { _, err := w.Write(f.content); return err })
		}
		// One picture that is missing speaks for all.
		if err != nil && failed == nil {
			failed = fmt.Errorf("evidence: %w", err)
		}
	}
	return path, failed
}

// scenariosWithFindings names the conversations whose checks say that something
// is wrong: there, what the end user saw is evidence.
func scenariosWithFindings(r Result) map[string]bool {
	found := map[string]bool{}
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			if f.Severity == rules.Fail || f.Severity == rules.Warn {
				found[c.Scenario] = true
			}
		}
	}
	return found
}

// evidenceFile is a file beside result.json, by its name below the folder.
type evidenceFile struct {
	name    string
	content []byte
}

// nameEvidence lists the pictures of journeys that could not finish and, where a
// finding may be about them, of those that did, and notes their names in the
// journey. A page where one stopped is kept, too, as text lest a browser run its
// scripts.
func nameEvidence(t *transcript.Transcript, found bool) (files []evidenceFile) {
	for i := range t.Journeys {
		j := &t.Journeys[i]
		pictures := found && i < transcript.JourneysPictured && slices.ContainsFunc(j.Steps, func(s transcript.Step) bool { return len(s.Screenshot) > 0 })
		if j.Trouble == nil && !pictures {
			continue
		}
		name := func(name string, content []byte) string {
			if len(content) == 0 {
				return ""
			}
			path := strings.Join([]string{"evidence", fileName(t.Scenario), fileName(j.Name), name}, "/")
			files = append(files, evidenceFile{path, content})
			return path
		}
		for k := range j.Steps {
			s := &j.Steps[k]
			s.File = name(fmt.Sprintf("%02d-%s.jpg", s.N, fileName(s.Page)), s.Screenshot)
		}
		if j.Trouble == nil {
			continue
		}
		trouble := *j.Trouble
		trouble.Files = slices.Clone(trouble.Files)
		for _, path := range []string{name("trouble.jpg", trouble.Screenshot), name("trouble.html.txt", []byte(trouble.HTML))} {
			if path != "" {
				trouble.Files = append(trouble.Files, path)
			}
		}
		j.Trouble = &trouble
	}
	return files
}

var notForFiles = regexp.MustCompile(`[^a-z0-9]+`)

// fileName turns a name into a safe one for a file.
func fileName(s string) string {
	name := strings.Trim(notForFiles.ReplaceAllString(strings.ToLower(s), "-"), "-")
	if name == "" {
		return "page"
	}
	return name[:min(len(name), 60)]
}
