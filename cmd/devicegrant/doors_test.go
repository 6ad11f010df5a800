package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// TestThreeDoors opens the same tree of specs through the binary, go test and
// the ginkgo command, with one selection, and compares the verdicts.
func TestThreeDoors(t *testing.T) {
	notShort(t, "two of the doors are compiled first")
	t.Parallel()
	server := fakeidp.NewServer(fakeidp.DefaultConfig())
	defer server.Close()
	client, _ := server.Config().Client("device-confidential")
	alice, _ := server.Config().User("alice")
	base := "base_url=" + server.URL

	verdicts := map[string]string{}
	for _, door := range []struct {
		name    string
		command func(out string) []string
	}{
		{"the binary", func(out string) []string {
			return []string{binary(t), "run", "--set", base, "--browser", "none", "--out", out, "3.1", "3.2", "!@person"}
		}},
		{"go test", func(out string) []string {
			return []string{"go", "test", "./suites", "-count=1", "-timeout", "0", "-args",
				"-profile", "builtin", "-set", base, "-browser", "none", "-out", out, "-select", "3.1 3.2 !@person"}
		}},
		{"ginkgo", func(out string) []string {
			return []string{"go", "tool", "ginkgo", "--label-filter", "!person", "./suites", "--",
				"-profile", "builtin", "-set", base, "-browser", "none", "-out", out, "-select", "3.1 3.2"}
		}},
	} {
		out := t.TempDir()
		command := door.command(out)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = filepath.Join("..", "..")
		cmd.Env = append(os.Environ(), "DEVICEGRANT_CLIENT_SECRET="+client.Secret, "DEVICEGRANT_PASSWORD="+alice.Password)
		printed, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			t.Errorf("%s: %v\n%s", door.name, err, printed)
			continue
		}
		verdicts[door.name] = passes(t, out)
	}
	want := verdicts["the binary"]
	if strings.Count(want, "pass") < 18 {
		t.Errorf("the binary judged too little: %s", want)
	}
	for name, got := range verdicts {
		if got != want {
			t.Errorf("%s: %s\nwant    %s", name, got, want)
		}
	}
}

// passes lists the verdicts of a result, without the skipped ones.
func passes(t *testing.T, dir string) string {
	t.Helper()
	var list []string
	for _, c := range readResult(t, dir).Checks {
		if c.Verdict != rules.Skip {
			list = append(list, c.ID+" "+string(c.Verdict))
		}
	}
	return strings.Join(list, ", ")
}

func readResult(t *testing.T, dir string) report.Result {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report.Result
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}
