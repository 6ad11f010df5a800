package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/report/page"
)

// writePage writes report.html beside a result.json, and returns its path; ""
// and an error where it could not.
func writePage(dir string, r report.Result) (string, error) {
	// A root: what a result names as its pictures must not lead out of the folder.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("the report folder: %w", err)
	}
	defer root.Close()
	var content bytes.Buffer
	if err := page.Write(&content, r, root.FS()); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "report.html")
	if err := report.WriteFile(path, func(w io.Writer) error { _, err := w.Write(content.Bytes()); return err }); err != nil {
		return "", err
	}
	return path, nil
}
