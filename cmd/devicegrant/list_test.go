package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/rules"
)

// TestExplainNamesTheControl: whoever is accused can read what had to be seen first.
func TestExplainNamesTheControl(t *testing.T) {
	for _, r := range rules.Catalogue() {
		var out bytes.Buffer
		cmd := newExplainCommand()
		cmd.SetOut(&out)
		cmd.SetArgs([]string{r.ID})
		if err := cmd.Execute(); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(text, "control "+r.Control) {
			t.Errorf("%s: %s", r.ID, out.String())
		}
	}
}
