package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/testdata/targets"
)

// server is a target with what was recorded and concluded of it.
type server struct {
	targets.Target
	Run      report.Result
	Load     loadgen.Result
	Verdicts targets.Verdicts
	// Undisclosed: its maintainers have not been told of a severe finding.
	Undisclosed bool
}

// read reads every target below testdata.
func read(testdata string) ([]server, error) {
	folder := filepath.Join(testdata, "targets")
	all, err := targets.All(folder)
	if err != nil {
		return nil, err
	}
	var list []server
	for _, t := range all {
		s := server{Target: t}
		if s.Run, err = report.Read(filepath.Join(testdata, "recordings", "runs", t.Name+".json.gz"), nil); err != nil {
			return nil, err
		}
		if s.Load, err = readLoad(filepath.Join(testdata, "recordings", "loads", t.Name+".json.gz")); err != nil {
			return nil, err
		}
		if s.Verdicts, err = targets.ReadVerdicts(folder, t.Name); err != nil {
			return nil, err
		}
		if s.Undisclosed, err = undisclosed(filepath.Join(folder, t.Name, "disclosure.md"), s.Verdicts); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func readLoad(file string) (loadgen.Result, error) {
	f, err := os.Open(file)
	if err != nil {
		return loadgen.Result{}, err
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		return loadgen.Result{}, fmt.Errorf("%s: %w", file, err)
	}
	var r loadgen.Result
	if err := json.NewDecoder(unpacked).Decode(&r); err != nil {
		return loadgen.Result{}, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// sent is the line of a disclosure that says when it went to the maintainers.
var sent = regexp.MustCompile(`(?m)^sent:[ \t]*(\d{4}-\d\d-\d\d)?[ \t]*\r?$`)

// undisclosed says that a target's disclosure was not sent yet. A severe finding
// needs one; there may also be one of what the run's configuration does not show.
func undisclosed(file string, v targets.Verdicts) (bool, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && !v.Severe() {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("a severe finding needs a disclosure: %w", err)
	}
	line := sent.FindSubmatch(text)
	if line == nil {
		return false, fmt.Errorf("%s has no line \"sent:\", empty or with a date", file)
	}
	return len(line[1]) == 0, nil
}

// withheld says that the finding is not to be shown yet.
func (s server) withheld(check string) bool {
	a, _ := s.Verdicts.Of(check)
	return a.Severe && s.Undisclosed
}

// check is the run's check of that id.
func (s server) check(id string) report.Check {
	for _, c := range s.Run.Checks {
		if c.ID == id {
			return c
		}
	}
	return report.Check{ID: id, Verdict: rules.Skip}
}

// wrong says that our verdict is known to be wrong, and why.
func (s server) wrong(id string) string {
	a, _ := s.Verdicts.Of(id)
	return a.Wrong
}
