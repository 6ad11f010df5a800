package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/devicegrant/devicegrant/suites/report"
)

// outFlag makes sure, before a run begins, that its result can be written.
func outFlag(dir string) error {
	if err := report.TryFolder(dir); err != nil {
		return usageError{fmt.Errorf("--out: %w", err)}
	}
	return nil
}

// delivery is what a run leaves behind, form by form. One that cannot be written
// stops no other, and is named in the end.
type delivery struct {
	dir    string
	stdout io.Writer
	failed []error
}

// try notes what went wrong with one form.
func (d *delivery) try(err error) {
	if err != nil {
		d.failed = append(d.failed, err)
	}
}

// file writes one below the folder.
func (d *delivery) file(name string, write func(io.Writer) error) (path string) {
	path = filepath.Join(d.dir, name)
	if err := report.WriteFile(path, write); err != nil {
		d.try(err)
		return ""
	}
	return path
}

// rescue puts what has no place in the folder any more into the one for
// temporary files.
func (d *delivery) rescue(name string, write func(io.Writer) error) (path string) {
	dir, err := os.MkdirTemp("", "devicegrant-rescued-*")
	if err == nil {
		path = filepath.Join(dir, name)
		err = report.WriteFile(path, write)
	}
	if err != nil {
		d.try(fmt.Errorf("writing it to a temporary file failed as well: %w", err))
		return ""
	}
	return path
}

// print writes to standard output.
func (d *delivery) print(write func(io.Writer) error) {
	if err := write(d.stdout); err != nil {
		d.try(fmt.Errorf("standard output: %w", err))
	}
}

// status is how the run ends: with that of the result, unless something of it is
// missing.
func (d *delivery) status(of int) error {
	if len(d.failed) > 0 {
		return &unwrittenError{errors.Join(d.failed...), of}
	}
	if of != report.ExitConforming {
		return exitStatus(of)
	}
	return nil
}

// unwrittenError says what of a result could not be written.
type unwrittenError struct {
	error
	verdict int // the exit status that the result itself had
}

func (e *unwrittenError) Error() string {
	return fmt.Sprintf("not everything could be written (the result itself has exit status %d):\n%s", e.verdict, e.error)
}
