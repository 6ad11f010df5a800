package main

import (
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
	for _, f := range formats.All() {
		names = append(names, f.Name)
	}
	return append(names, "har", "github")
}

// checkFormats refuses a name before anything starts.
func checkFormats(names []string, json bool) error {
	for _, name := range names {
		if !slices.Contains(formatNames(), name) {
			return usageError{fmt.Errorf("--format: unknown format %q; known formats are %s", name, strings.Join(formatNames(), ", "))}
		}
		if name == "github" && json {
			return usageError{fmt.Errorf("--json and --format github both write to standard output; result.json is in the --out folder anyway")}
		}
	}
	return nil
}

// writeFormats writes a result in each form, and returns the paths. github goes
// to standard output, and to the step's summary where there is one.
func writeFormats(out *delivery, names []string, r report.Result) (paths []string) {
	keep := func(path string) {
		if path != "" {
			paths = append(paths, path)
		}
	}
	for _, name := range names {
		switch name {
		case "html":
			path, err := writePage(out.dir, r)
			out.try(err)
			keep(path)
		case "har":
			keep(writeHAR(out, r))
		case "github":
			out.try(writeGitHub(r, out.stdout))
		default:
			f, _ := formats.Find(name)
			content, err := f.Bytes(r)
			if err != nil {
				out.try(err)
				continue
			}
			keep(out.file(f.File, func(w io.Writer) error { _, err := w.Write(content); return err }))
		}
	}
	return paths
}

// writeHAR writes a file for each scenario into a folder of their own, and
// returns that.
func writeHAR(out *delivery, r report.Result) (path string) {
	path = filepath.Join(out.dir, "har")
	if err := os.MkdirAll(path, 0o755); err != nil {
		out.try(fmt.Errorf("the folder of the har files: %w", err))
		return ""
	}
	for _, s := range r.Scenarios {
		if out.file(filepath.Join("har", formats.HARFile(s.Transcript.Scenario)), func(w io.Writer) error { return formats.HAR(w, r, s) }) == "" {
			return path // the others would fail as well
		}
	}
	return path
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
