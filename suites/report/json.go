package report

import (
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

// WriteJSON writes a result as result.json has it.
func WriteJSON(w io.Writer, r Result) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(true) // a report may end up inside a page
	enc.SetIndent("", " ")
	return enc.Encode(r)
}

// WriteDir writes result.json and the evidence of troubled journeys below dir,
// and returns the path of result.json. The file is replaced as a whole, so
// that an interrupted write leaves the old one.
func WriteDir(dir string, r Result) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("the report folder: %w", err)
	}
	found := scenariosWithFindings(r)
	for i := range r.Scenarios {
		t := &r.Scenarios[i].Transcript
		if err := writeEvidence(dir, t, found[t.Scenario]); err != nil {
			return "", err
		}
	}
	path := filepath.Join(dir, "result.json")
	f, err := os.CreateTemp(dir, ".result-*.json")
	if err != nil {
		return "", fmt.Errorf("the report folder: %w", err)
	}
	defer os.Remove(f.Name())
	if err := WriteJSON(f, r); err != nil {
		f.Close()
		return "", fmt.Errorf("writing %s: %w", path, err)
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return "", fmt.Errorf("writing %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return "", fmt.Errorf("writing %s: %w", path, err)
	}
	return path, os.Rename(f.Name(), path)
}

// scenariosWithFindings names the conversations whose checks say that something
// is wrong: there, what the person saw is evidence.
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

// writeEvidence writes the pictures of journeys that could not finish and, where
// a finding may be about them, of those that did, and notes the file names in
// the journey. A page where one stopped is kept, too, as text lest a browser run
// its scripts.
func writeEvidence(dir string, t *transcript.Transcript, found bool) error {
	for i := range t.Journeys {
		j := &t.Journeys[i]
		pictures := found && i < transcript.JourneysPictured && slices.ContainsFunc(j.Steps, func(s transcript.Step) bool { return len(s.Screenshot) > 0 })
		if j.Trouble == nil && !pictures {
			continue
		}
		folder := filepath.Join("evidence", fileName(t.Scenario), fileName(j.Name))
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return fmt.Errorf("the evidence folder: %w", err)
		}
		save := func(name string, content []byte) (string, error) {
			if len(content) == 0 {
				return "", nil
			}
			path := filepath.Join(folder, name)
			if err := os.WriteFile(filepath.Join(dir, path), content, 0o644); err != nil {
				return "", fmt.Errorf("writing evidence: %w", err)
			}
			return filepath.ToSlash(path), nil
		}
		for k := range j.Steps {
			s := &j.Steps[k]
			path, err := save(fmt.Sprintf("%02d-%s.jpg", s.N, fileName(s.Page)), s.Screenshot)
			if err != nil {
				return err
			}
			s.File = path
		}
		if j.Trouble == nil {
			continue
		}
		trouble := *j.Trouble
		for _, page := range []struct {
			name    string
			content []byte
		}{{"trouble.jpg", trouble.Screenshot}, {"trouble.html.txt", []byte(trouble.HTML)}} {
			path, err := save(page.name, page.content)
			if err != nil {
				return err
			}
			if path != "" {
				trouble.Files = append(trouble.Files, path)
			}
		}
		j.Trouble = &trouble
	}
	return nil
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
