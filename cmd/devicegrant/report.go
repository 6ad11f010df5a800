package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/report/formats"
	"github.com/devicegrant/devicegrant/suites/report/page"
)

func newReportCommand() *cobra.Command {
	var (
		names []string
		out   string
	)
	cmd := &cobra.Command{
		Use:   "report RESULT",
		Short: "Convert a result: HTML, JUnit, SARIF, GitHub, GitLab, Markdown, HAR",
		Long: `Write the reports of a run from its result.json, at any later time.

RESULT is a result.json, compressed (.gz) or not, its folder, or - for standard
input. The formats are:

` + aboutFormats() + `
The files go into the folder of the result, or into --out; with --out -, one
format is printed. In every format a known deviation is not a failure, and a
warning is one only if the run was --strict.`,
		Example: `  devicegrant report out --format junit,sarif
  devicegrant report out/result.json --format markdown --out -`,
		Args: oneArg("a result.json, its folder, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormats(names, false); err != nil {
				return err
			}
			r, err := report.Read(args[0], cmd.InOrStdin())
			if err != nil {
				return usageError{err}
			}
			dir := resultFolder(args[0])
			if out == "-" {
				return printFormat(names, dir, r, cmd.OutOrStdout())
			}
			if out != "" {
				dir = out
				if err := outFlag(dir); err != nil {
					return err
				}
			}
			d := &delivery{dir: dir, stdout: cmd.OutOrStdout()}
			for _, path := range writeFormats(d, names, r) {
				fmt.Fprintf(cmd.ErrOrStderr(), "report  %s\n", path)
			}
			return d.status(report.ExitConforming)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVarP(&names, "format", "f", []string{"html"}, "formats, comma separated: "+strings.Join(formatNames(), ", "))
	f.StringVarP(&out, "out", "o", "", "folder for the files (default: the folder of the result), or - to print")
	cmd.AddCommand(&cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of result.json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(report.JSONSchema())
			return err
		},
	})
	return cmd
}

func aboutFormats() string {
	var b strings.Builder
	line := func(name, file, about string) { fmt.Fprintf(&b, "  %-9s %-28s %s\n", name, file, about) }
	line("html", "report.html", "for people")
	for _, f := range formats.All() {
		line(f.Name, f.File, f.About)
	}
	line("har", "har/SCENARIO.har", "for a browser's network panel")
	line("github", "", "annotations on standard output, and the")
	line("", "", "step summary if there is one")
	return b.String()
}

// resultFolder is where a result's pictures are and its reports go.
func resultFolder(path string) string {
	if path == "-" {
		return "."
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	return filepath.Dir(path)
}

// printFormat writes one format to standard output.
func printFormat(names []string, dir string, r report.Result, w io.Writer) error {
	if len(names) != 1 || names[0] == "har" {
		return usageError{fmt.Errorf("--out - works with one format, which must be a single file")}
	}
	switch names[0] {
	case "html":
		root, err := os.OpenRoot(dir)
		if err != nil {
			return fmt.Errorf("the result's folder: %w", err)
		}
		defer root.Close()
		return page.Write(w, r, root.FS())
	case "github":
		return writeGitHub(r, w)
	}
	f, _ := formats.Find(names[0])
	content, err := f.Bytes(r)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
