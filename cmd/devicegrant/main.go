// Command devicegrant tests OAuth 2.0 device authorization grant servers (RFC
// 8628): conformance runs, load tests, and a reference server to try them on.
//
// There is one file per verb. Only this package knows flags, the terminal and
// exit statuses; everything else is in the packages that it calls.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/child"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
)

func main() {
	// What the standard library logs quotes foreign bytes: net/http does, of an
	// answer that nobody asked for.
	log.SetOutput(io.Discard)
	ctx, stop := untilSignal(context.Background())
	ctx, cancel := context.WithCancel(ctx)
	child.EndWithParent(cancel, report.ExitInterrupted)
	status := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// execute runs one command line and returns the exit status.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return report.ExitConforming
	}
	var status exitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	fmt.Fprintf(report.InertWriter{Writer: stderr}, "devicegrant: %s\n", clean(err.Error()))
	return exitCode(err)
}

// exitStatus ends the program with a status and no further message: what there
// is to say has been said.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitCode tells a mistake of the user from everything else that stops a run
// before it has a result.
func exitCode(err error) int {
	var (
		usage    usageError
		profile  *profiles.Error
		selector *suites.SelectorError
		baseline *suites.BaselineError
		browser  *chromium.WantedError
		plan     *loadgen.PlanError
	)
	switch {
	case errors.As(err, &usage), errors.As(err, &profile), errors.As(err, &selector), errors.As(err, &baseline), errors.As(err, &browser), errors.As(err, &plan):
		return report.ExitUsage
	case errors.Is(err, context.Canceled):
		return report.ExitInterrupted
	}
	return report.ExitUnknown
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "devicegrant",
		Short: "Conformance and load of OAuth 2.0 device authorization grant servers (RFC 8628)",
		Long: `devicegrant tests and load-tests OAuth 2.0 Device Authorization Grant servers
(RFC 8628).

  devicegrant run                        test the built-in reference server
  devicegrant run --profile my.yaml      test your server
  devicegrant load --devices 10000       find out how many devices a server carries
  devicegrant explain POLL-05            what a requirement demands, and why
  devicegrant idp                        start the reference server

Exit status: 0 conforming, 1 failures, 2 bad usage or profile, 3 inconclusive
or unreachable, 4 load threshold missed or (diff) a regression, 130 interrupted.`,
		Version:       toolVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	root.SetVersionTemplate(versionLine())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\n  %s --help lists the flags", err, cmd.CommandPath())}
	})
	root.AddCommand(newRunCommand(), newIDPCommand(), newListCommand(), newExplainCommand(), newJudgeCommand(), newReportCommand(), newDiffCommand(), newCompareCommand(), newLoadCommand(), newMutantsCommand(), newProfileCommand(), newVersionCommand(), newManCommand())
	eachVerb(root, addCompletions)
	return root
}

// knownVerb refuses a first word that is no verb, and names those it resembles.
func knownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := cmd.CommandPath() + " --help lists the verbs"
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		hint = "did you mean " + strings.Join(similar, " or ") + "?"
	}
	return usageError{fmt.Errorf("unknown command %q; %s", args[0], hint)}
}
