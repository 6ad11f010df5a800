package profiles

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// baselineFile is a baseline outside of a profile: the same key, alone.
type baselineFile struct {
	Baseline []Deviation `yaml:"baseline"`
}

// LoadBaseline reads a YAML file with the key baseline, as in a profile. The
// error is an *[Error] with all problems or, if the file does not exist, wraps
// [os.ErrNotExist].
func LoadBaseline(path string) ([]Deviation, error) {
	text, err := readBounded(path)
	if os.IsNotExist(err) {
		return nil, err
	}
	if err != nil {
		return nil, newError([]Problem{{File: path, Message: "cannot read the baseline: " + err.Error()}})
	}
	d := parse(path, text)
	if d.root == nil {
		return nil, newError(d.problems)
	}
	d.vars = newVariables(d)
	var file baselineFile
	d.fill("", d.root, reflect.ValueOf(&file).Elem(), "")
	for i := range file.Baseline {
		if file.Baseline[i].Expect == "" {
			file.Baseline[i].Expect = "fail"
		}
	}
	d.checkBaseline(file.Baseline)
	if err := newError(d.problems); err != nil {
		return nil, err
	}
	return file.Baseline, nil
}

// Over adds entries to a baseline. An added entry replaces the base's entry for
// the same finding.
func Over(base, added []Deviation) []Deviation {
	kept := slices.DeleteFunc(slices.Clone(base), func(b Deviation) bool {
		return slices.ContainsFunc(added, func(a Deviation) bool { return a.Check == b.Check && a.Code == b.Code })
	})
	return append(kept, added...)
}

// Expired reports whether the entry's last day has passed.
func (d Deviation) Expired(now time.Time) bool {
	last, err := time.Parse(time.DateOnly, d.Until)
	return d.Until != "" && (err != nil || !now.UTC().Before(last.AddDate(0, 0, 1)))
}

// FormatBaseline returns entries as YAML that [LoadBaseline] reads: one line
// for each key that is not empty, in the given order.
func FormatBaseline(entries []Deviation) ([]byte, error) {
	type entry struct {
		Check  string `yaml:"check"`
		Code   string `yaml:"code,omitempty"`
		Expect string `yaml:"expect,omitempty"`
		Reason string `yaml:"reason"`
		Link   string `yaml:"link,omitempty"`
		Until  string `yaml:"until,omitempty"`
	}
	file := struct {
		Baseline []entry `yaml:"baseline"`
	}{Baseline: []entry{}}
	for _, d := range entries {
		e := entry{d.Check, d.Code, d.Expect, d.Reason, d.Link, d.Until}
		if e.Expect == "fail" {
			e.Expect = "" // the default
		}
		file.Baseline = append(file.Baseline, e)
	}
	var b bytes.Buffer
	y := yaml.NewEncoder(&b)
	y.SetIndent(2)
	if err := y.Encode(file); err != nil {
		return nil, fmt.Errorf("writing the baseline: %w", err)
	}
	return b.Bytes(), y.Close()
}
