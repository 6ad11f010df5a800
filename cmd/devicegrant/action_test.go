package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// action is what the tests read of action.yml.
type action struct {
	Inputs map[string]struct {
		Description string
	}
	Runs struct {
		Steps []struct {
			ID   string
			Uses string
			Run  string
			Env  map[string]string
		}
	}
}

func readAction(t *testing.T) action {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var a action
	if err := yaml.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestActionTakesInputsAsData: GitHub pastes ${{ }} into a script before the
// shell reads it, so that none may stand there.
func TestActionTakesInputsAsData(t *testing.T) {
	a := readAction(t)
	pinned := regexp.MustCompile(`^actions/[a-z-]+@v\d+$`)
	for _, s := range a.Runs.Steps {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("an expression in a script:\n%s", s.Run)
		}
		if s.Uses != "" && !pinned.MatchString(s.Uses) {
			t.Errorf("%s is not an action of GitHub's, pinned by its major version", s.Uses)
		}
	}
	for name, input := range a.Inputs {
		if input.Description == "" {
			t.Errorf("the input %s is not described", name)
		}
	}
}

// TestActionRuns: the step that judges does what the inputs say, hands on exit
// status and result, and takes nothing in an input for a command.
func TestActionRuns(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("skipped: ", err)
	}
	t.Parallel()
	// As the action installs it, under the name that the script calls.
	path := t.TempDir()
	if err := os.Symlink(binary(t), filepath.Join(path, "devicegrant")); err != nil {
		t.Fatal(err)
	}
	var script string
	for _, s := range readAction(t).Runs.Steps {
		if s.ID == "run" {
			script = s.Run
		}
	}
	for _, c := range []struct {
		name, profile, args, out string
		status                   int
		output                   string
	}{
		{"green", "builtin", "--browser=none\n--clock-rate=5\n\nDA-01\n", "a folder", 0, "exit-code=0\nresult=a folder/result.json\n"},
		{"a command", "$(touch taken)", "`touch taken`\n; touch taken", "$(touch taken)", 2, "exit-code=2\n"},
		{"two lines", "builtin", "", "out\nresult=forged", 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			output := filepath.Join(dir, "output")
			// As GitHub starts bash for a step.
			cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+path+string(os.PathListSeparator)+os.Getenv("PATH"),
				"PROFILE="+c.profile, "ARGS="+c.args, "BASELINE=", "FORMATS=github,junit", "OUT="+c.out,
				"GITHUB_OUTPUT="+output, "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary"))
			printed, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("status %d, want %d\n%s", got, c.status, printed)
			}
			if got, _ := os.ReadFile(output); string(got) != c.output {
				t.Errorf("outputs %q, want %q\n%s", got, c.output, printed)
			}
			for _, report := range []string{filepath.Join(c.out, "junit.xml"), "summary"} {
				if _, err := os.Stat(filepath.Join(dir, report)); c.status == 0 && err != nil {
					t.Error(err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "taken")); err == nil {
				t.Errorf("an input became a command:\n%s", printed)
			}
		})
	}
}
