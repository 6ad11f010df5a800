package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/profiles"
)

func newProfileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "List, show, create and check profiles",
		Long: `A profile says where a server is and which clients and users may use it. Some
profiles are shipped; profiles/custom.yaml is a template for others.`,
		Args: knownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(newProfileListCommand(), newProfileShowCommand(), newProfileValidateCommand(), newProfileSchemaCommand(), newProfileInitCommand(),
		newProfileCheckCommand(), newProfileTryCommand())
	return cmd
}

func newProfileListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the shipped profiles",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			width := 0
			for _, name := range profiles.Names() {
				width = max(width, len(name))
			}
			for _, name := range profiles.Names() {
				fmt.Fprintf(out, "%-*s  %s\n", width, name, profiles.Describe(name))
			}
			fmt.Fprintf(out, "\ndevicegrant profile show NAME prints one; devicegrant run --profile NAME uses it.\n")
			return nil
		},
	}
}

func newProfileShowCommand() *cobra.Command {
	var (
		set    []string
		source bool
	)
	cmd := &cobra.Command{
		Use:   "show NAME|FILE",
		Short: "Print the effective profile, with the origin of each value",
		Long: `Print the effective profile: variables expanded, defaults filled in, and after
each value where it comes from: a line of the file, --set, or default. Secrets
are not read; their source is shown. The output is itself a profile.`,
		Example: `  devicegrant profile show glewlwyd --set base_url=https://idp.example.com
  devicegrant profile show custom --source > my-server.yaml`,
		Args: oneArg("the name of a shipped profile, or a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if source {
				text, err := profiles.Shipped(args[0])
				if err != nil {
					return err
				}
				_, err = out.Write(text)
				return err
			}
			p, err := profiles.Load(args[0], profiles.Options{Set: set, NoSecrets: true})
			if err != nil {
				return err
			}
			shown, err := p.Show()
			if err != nil {
				return err
			}
			_, err = out.Write(shown)
			return err
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "override a profile key: base_url=https://...")
	cmd.Flags().BoolVar(&source, "source", false, "print the source of a shipped profile, to copy")
	return cmd
}

func newProfileValidateCommand() *cobra.Command {
	var set []string
	cmd := &cobra.Command{
		Use:   "validate NAME|FILE...",
		Short: "Validate profiles without a server",
		Long: `Validate profiles and report every mistake with its line. No server is contacted
and no secret is read. Exit status 2 if there is a mistake.`,
		Example: "  devicegrant profile validate my-server.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("validate needs the name of a shipped profile or a file")}
			}
			bad := 0
			for _, arg := range args {
				if _, err := profiles.Load(arg, profiles.Options{Set: set, NoSecrets: true}); err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), err)
					bad++
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: valid\n", arg)
			}
			if bad > 0 {
				return usageError{fmt.Errorf("%d of %d profiles are not valid", bad, len(args))}
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&set, "set", nil, "override a profile key: base_url=https://...")
	return cmd
}

func newProfileSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of profiles, for editors",
		Long: `Print the JSON Schema of profiles. With it, an editor completes keys and marks
mistakes while you type. Most editors find it by the first line of the file:

  # yaml-language-server: $schema=profile.schema.json`,
		Example: "  devicegrant profile schema > profile.schema.json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(profiles.JSONSchema())
			return err
		},
	}
}

// oneArg refuses anything but one argument as a usage error.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("%s needs one argument: %s", cmd.CommandPath(), what)}
		}
		return nil
	}
}
