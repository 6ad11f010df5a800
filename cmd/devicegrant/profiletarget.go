package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/builtin"
)

// targetFlags are those of the verbs that ask the server of one profile.
type targetFlags struct {
	set     []string
	browser string
	headed  bool
	out     string
	look    lookFlags
}

func (f *targetFlags) register(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.StringArrayVar(&f.set, "set", nil, "override a profile key: base_url=https://...")
	flags.StringVar(&f.browser, "browser", "auto", "auto, none, manual, a path, or ws://HOST:PORT")
	flags.StringVarP(&f.out, "out", "o", "out", "folder for the screenshots")
	flags.StringVar(&f.look.color, "color", "auto", "auto, always or never")
}

// open loads the profile; without one the built-in server is started.
func (f *targetFlags) open(cmd *cobra.Command, args []string) (o suites.Options, done func(), err error) {
	o = suites.Options{Browser: f.browser, Headed: f.headed, In: cmd.InOrStdin(), Out: cmd.ErrOrStderr(), Tool: toolVersion()}
	if len(args) == 1 {
		o.Profile, err = profiles.Load(args[0], profiles.Options{Set: f.set})
		return o, func() {}, err
	}
	server, err := builtin.StartDefault(1)
	if err != nil {
		return o, nil, err
	}
	o.Profile, err = profiles.Load("builtin", profiles.Options{
		Set: append([]string{"base_url=" + server.URL}, f.set...), Getenv: server.Getenv,
	})
	if err != nil {
		server.Close()
		return o, nil, err
	}
	return o, func() { server.Close() }, nil
}

// oneProfile accepts the name of a profile, or nothing for the built-in server.
func oneProfile(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%s takes one profile, not %s", cmd.CommandPath(), strings.Join(args, " "))}
	}
	return nil
}
