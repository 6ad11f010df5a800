package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestEveryFlagIsCompleted: a flag that takes a word says which, or says in
// flagValues that only the user knows.
func TestEveryFlagIsCompleted(t *testing.T) {
	eachVerb(newRootCommand(), func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if _, ok := cmd.GetFlagCompletionFunc(f.Name); !ok {
				t.Errorf("%s --%s: what completes it? Add it to flagValues in completion.go", cmd.CommandPath(), f.Name)
			}
		})
	})
	for verb := range argValues {
		if cmd, _, err := newRootCommand().Find(strings.Fields(verb)); err != nil || cmd.CommandPath() != "devicegrant "+verb {
			t.Errorf("there is no verb %q to complete", verb)
		}
	}
}

func TestCompletion(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
		not  string
	}{
		{"run --profile gl", []string{"glewlwyd"}, ""},
		{"run POLL-0", []string{"POLL-05", "3.5"}, ""},
		{"run !@s", []string{"!@slow"}, "@slow"},
		{"explain VERIFY-", []string{"VERIFY-10"}, ""},
		{"idp --fault M03,M0", []string{"M03,M05"}, "M05"},
		{"idp --personality ", []string{"wso2"}, ""},
		{"compare builtin@M0", []string{"builtin@M05"}, "M05"},
		{"load --workload s", []string{"steady", "soak"}, ""},
		{"load --devices ", nil, ""},
		{"profile try --case ", []string{"deny"}, ""},
	} {
		// cobra's own verb, which the scripts call; its last argument may be empty.
		args := append([]string{cobra.ShellCompNoDescRequestCmd}, strings.Split(c.line, " ")...)
		status, stdout, stderr := devicegrant(args...)
		got := strings.Split(stdout, "\n")
		if status != 0 {
			t.Errorf("%s: status %d\n%s", c.line, status, stderr)
		}
		for _, want := range c.want {
			if !slices.Contains(got, want) {
				t.Errorf("%s: no %q in %q", c.line, want, got)
			}
		}
		if c.not != "" && slices.Contains(got, c.not) {
			t.Errorf("%s: %q should not be offered", c.line, c.not)
		}
	}
}

// TestManualMarkdown: the generator reads Markdown, in which lines that are
// indented by two would flow together.
func TestManualMarkdown(t *testing.T) {
	got := manualText("One of\n  A   first\n  B   second\n\nor none.")
	if want := "One of\n\n      A   first\n      B   second\n\nor none."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestManualPages: each verb that help lists has one, and no build differs from
// another by its date.
func TestManualPages(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	dir := t.TempDir()
	if status, _, stderr := devicegrant("man", dir); status != 0 {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	eachVerb(newRootCommand(), func(cmd *cobra.Command) {
		name := filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
		if cmd != cmd.Root() && !cmd.IsAvailableCommand() {
			return
		}
		page, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
			return
		}
		for _, part := range []string{cmd.Short, "1970"} {
			if !strings.Contains(string(page), part) {
				t.Errorf("%s does not say %q", name, part)
			}
		}
	})
}
