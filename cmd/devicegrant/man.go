package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newManCommand writes the manual pages: of this very binary, so that they
// cannot be of another version. It is for those who make packages, and hidden.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the manual pages, one for each verb",
		Hidden: true,
		Args:   oneArg("a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("the manual pages: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the date would make each build differ
			eachVerb(root, func(verb *cobra.Command) { verb.Long = manualText(verb.Long) })
			header := &doc.GenManHeader{Section: "1", Source: "devicegrant " + toolVersion(), Manual: "devicegrant"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("the manual pages: %w", err)
			}
			return nil
		},
	}
}

// eachVerb calls f for cmd and all verbs below it.
func eachVerb(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, sub := range cmd.Commands() {
		eachVerb(sub, f)
	}
}

// manualText makes a help text Markdown: what is indented there is a table or a
// list of commands, whose lines must not flow together.
func manualText(help string) string {
	var lines []string
	indented := false
	for line := range strings.SplitSeq(help, "\n") {
		if strings.HasPrefix(line, "  ") {
			if !indented {
				lines = append(lines, "")
			}
			indented = true
			line = "    " + line
		} else {
			indented = false
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
