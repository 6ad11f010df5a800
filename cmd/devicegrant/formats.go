package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/report/formats"
)

// formatNames are all that --format takes. html, har and github have more than
// one file, or none.
func formatNames() []string {
	names := []string{"html"}
	for _, f := range formats.All {
		names = append(names, f.Name)
	}
	return append(names, "har", "github")
}

// checkFormats refuses a name before anything starts.
func checkFormats(names []string, json bool) error {
	for _, name := range names {
		if !slices.Contains(formatNames(), name) {
			return usageError{fmt.Errorf("--format knows %s, not %q", strings.Join(formatNames(), ", "), name)}
		}
		if name == "github" && json {
			return usageError{fmt.Errorf("--json and --format github both want standard output: result.json is in the folder of --out")}
		}
	}
	return nil
}

// writeFormats writes a result in each form below dir, and returns the paths.
// github goes to stdout, and to the step's summary where there is one.
func writeFormats(dir string, names []string, r report.Result, stdout io.Writer) (paths []string, err error) {
	write := func(name string, content []byte) error {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		paths = append(paths, path)
		return nil
	}
	for _, name := range names {
		switch name {
		case "html":
			path, err := writePage(dir, r)
			if err != nil {
				return paths, err
			}
			paths = append(paths, path)
		case "har":
			dir := filepath.Join(dir, "har")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return paths, fmt.Errorf("the report folder: %w", err)
			}
			paths = append(paths, dir)
			for _, s := range r.Scenarios {
				var b bytes.Buffer
				if err := formats.HAR(&b, r, s); err != nil {
					return paths, fmt.Errorf("writing har: %w", err)
				}
				path := filepath.Join(dir, formats.HARFile(s.Transcript.Scenario))
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					return paths, fmt.Errorf("writing har: %w", err)
				}
			}
		case "github":
			if err := writeGitHub(r, stdout); err != nil {
				return paths, err
			}
		default:
			f, _ := formats.Find(name)
			content, err := f.Bytes(r)
			if err != nil {
				return paths, err
			}
			if err := write(f.File, content); err != nil {
				return paths, err
			}
		}
	}
	return paths, nil
}

// writeGitHub prints the annotations, and appends to the step's summary.
func writeGitHub(r report.Result, stdout io.Writer) error {
	if err := formats.Annotations(stdout, r); err != nil {
		return fmt.Errorf("writing the annotations: %w", err)
	}
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("the step's summary: %w", err)
	}
	defer f.Close()
	if err := formats.StepSummary(f, r); err != nil {
		return fmt.Errorf("the step's summary: %w", err)
	}
	return f.Close()
}
