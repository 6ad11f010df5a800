package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	comparison "github.com/devicegrant/devicegrant/suites/compare"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

const recordedRun = "../../testdata/recordings/runs/glewlwyd.json.gz"

func TestParseCompared(t *testing.T) {
	list, err := parseCompared([]string{"wso2@simulated", "builtin@M03", "real=" + recordedRun, "my/server.yaml"}, []string{"server:tls.allow_http=true"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"wso2-simulated", "builtin-M03", "real", "server"} {
		if list[i].name != want {
			t.Errorf("column %d is called %q, want %q", i, list[i].name, want)
		}
	}
	if !list[0].simulate || list[1].fault != "M03" || list[2].file != recordedRun || len(list[3].set) != 1 {
		t.Errorf("%+v", list)
	}
	for _, wrong := range [][]string{{"builtin", "builtin"}, {"wso2@M03"}} {
		if _, err := parseCompared(wrong, nil); err == nil {
			t.Errorf("%v was taken", wrong)
		}
	}
}

// TestCompareLosesOneColumn compares a live server, a simulation, a result and
// a run that is over its limit or has no server.
func TestCompareLosesOneColumn(t *testing.T) {
	useBinary(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out := t.TempDir()
	for gate, want := range map[string]int{"": 3, "dead": 3, "builtin": 0, "recorded": 0} {
		var stdout, stderr bytes.Buffer
		args := []string{"compare", "builtin=builtin@simulated", "wso2@simulated", "recorded=" + filepath.Join(recordedRuns, "oidc-provider.json.gz"), "dead=builtin@M9999", "--browser", "none", "--select", "DA-01", "--out", out, "--json"}
		if gate != "" {
			args = append(args, "--gate", gate)
		}
		if got := execute(ctx, args, &stdout, &stderr); got != want {
			t.Errorf("with the gate %q it ends with %d, want %d: %s", gate, got, want, stderr.String())
		}
		var m comparison.Matrix
		if err := json.Unmarshal(stdout.Bytes(), &m); err != nil {
			t.Fatal(err, stderr.String())
		}
		for i, c := range m.Columns {
			if (c.Lost != "") != (c.Name == "dead") {
				t.Errorf("column %s: lost %q", c.Name, c.Lost)
			}
			if simulated := c.Target.Kind == "simulated"; simulated != (i < 2) {
				t.Errorf("column %s: %+v", c.Name, c.Target)
			}
		}
	}
	if r, err := report.Read(filepath.Join(out, "builtin", "result.json"), nil); err != nil || r.Target.Kind != "simulated" {
		t.Errorf("the simulation's own result says %q (%v)", r.Target.Kind, err)
	}
	for _, name := range []string{"matrix.json", "matrix.md", "matrix.html"} {
		text, err := os.ReadFile(filepath.Join(out, name))
		if err != nil || !strings.Contains(string(text), "simulated") && !strings.Contains(string(text), "SIMULATED") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSimulationsRun: each simulation runs with what its profile needs there, and
// the plainest checks say nothing against it.
func TestSimulationsRun(t *testing.T) {
	useBinary(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	args := []string{"compare"}
	for _, name := range slices.Sorted(maps.Keys(simulations)) {
		args = append(args, name+"@simulated")
	}
	args = append(args, "--browser", "none", "--select", "DA-01,RESP-01,RESP-06", "--out", t.TempDir(), "--json")
	var stdout, stderr bytes.Buffer
	execute(ctx, args, &stdout, &stderr)
	var m comparison.Matrix
	if err := json.Unmarshal(stdout.Bytes(), &m); err != nil {
		t.Fatal(err, stderr.String())
	}
	for _, row := range m.Rows {
		if !slices.Contains([]string{"DA-01", "RESP-01", "RESP-06"}, row.ID) {
			continue
		}
		for i, cell := range row.Cells {
			if cell.Verdict != rules.Pass && cell.Verdict != report.Known { // GitHub's forms are
				t.Errorf("%s at %s: %s (%s)", row.ID, m.Columns[i].Name, cell.Verdict, cell.Reason)
			}
		}
	}
}
