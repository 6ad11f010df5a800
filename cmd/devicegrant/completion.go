package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

// completer answers the shell: what may stand here, and whether file names may.
type completer = cobra.CompletionFunc

// flagValues says how the value of a flag is completed, by the flag's name: one
// that several verbs have means the same in each. Numbers, durations and
// switches need no entry; a test asks for one for every other flag.
var flagValues = map[string]completer{
	"profile":     profileOrFile,
	"set":         keyValue,
	"level":       oneOf("all", "should", "must"),
	"browser":     wordOrFile("auto", "none", "manual", "ws://"),
	"color":       oneOf("auto", "always", "never"),
	"only":        oneOf("differs", "fails"),
	"select":      listOf(selectors),
	"case":        oneOf(scenario.WalkthroughCases()...),
	"driver":      oneOf(profiles.Drivers()...),
	"fault":       listOf(faults),
	"personality": personalities,
	"consent":     oneOf("always", "skip-granted"),
	"rate-limit":  oneOf("on", "off"),
	"workload":    oneOf(loadgen.Workloads()...),
	"approver":    oneOf("hook", "forms"),
	"transport":   oneOf("lean", "net/http"),

	"client-model": oneOf("rfc", "fixed"),

	"format":         listOf(oneOf(formatNames()...)),
	"out":            file(),
	"plan":           file("yaml", "yml"),
	"script":         file("yaml", "yml", "json"),
	"baseline":       file("yaml", "yml"),
	"write-baseline": file("yaml", "yml"),
	"ca-file":        file("pem", "crt"),
	"cert-file":      file("pem", "crt"),
	"key-file":       file("pem", "key"),
	"tls-cert":       file("pem", "crt"),
	"tls-key":        file("pem", "key"),
	"tls-cert-out":   file("pem"),

	// Only the user knows these; file names would be noise.
	"listen":                        nothing,
	"control":                       nothing,
	"metrics":                       nothing,
	"issuer":                        nothing,
	"device-authorization-endpoint": nothing,
	"token-endpoint":                nothing,
	"client-id":                     nothing,
	"confidential-client-id":        nothing,
	"username":                      nothing,
	"user-code-alphabet":            nothing,
	"threshold":                     nothing,
	"slo":                           nothing,
	"tolerance":                     nothing,
	"gate":                          nothing, // a column's name
	"sample":                        nothing,
}

// argValues says the same of a verb's arguments. A verb that is not listed
// takes none, or files.
var argValues = map[string]completer{
	"run":              selectors,
	"list":             selectors,
	"explain":          selectors,
	"mutants":          faults,
	"compare":          compareTargets,
	"load workloads":   oneOf(loadgen.Workloads()...),
	"profile show":     profileOrFile,
	"profile validate": profileOrFile,
	"profile check":    profileOrFile,
	"profile try":      profileOrFile,
}

// addCompletions tells cobra of both, for one verb.
func addCompletions(cmd *cobra.Command) {
	_, verb, _ := strings.Cut(cmd.CommandPath(), " ")
	if complete, ok := argValues[verb]; ok {
		cmd.ValidArgsFunction = complete
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		complete, ok := flagValues[f.Name]
		if !ok {
			if takesWord(f) {
				return
			}
			complete = nothing
		}
		// It fails for a flag that has a completion, and none has one yet.
		_ = cmd.RegisterFlagCompletionFunc(f.Name, complete)
	})
}

// takesWord tells a flag whose value is text from a switch and a number.
func takesWord(f *pflag.Flag) bool {
	return slices.Contains([]string{"string", "stringArray", "stringSlice"}, f.Value.Type())
}

func nothing(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func oneOf(list ...string) completer {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

// wordOrFile completes words, and file names beside them.
func wordOrFile(list ...string) completer {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveDefault)
}

// file completes names with these extensions, or any.
func file(extensions ...string) completer {
	if len(extensions) == 0 {
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
	}
	return cobra.FixedCompletions(extensions, cobra.ShellCompDirectiveFilterFileExt)
}

// listOf completes the last of several values that commas part.
func listOf(each completer) completer {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndex(typed, ",")+1]
		values, directive := each(cmd, args, typed[len(before):])
		list := make([]cobra.Completion, len(values))
		for i, v := range values {
			list[i] = before + v
		}
		return list, directive | cobra.ShellCompDirectiveNoSpace
	}
}

func keyValue(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"base_url="}, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

func profileOrFile(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	for _, name := range profiles.Names() {
		list = append(list, cobra.CompletionWithDesc(name, profiles.Describe(name)))
	}
	return list, cobra.ShellCompDirectiveDefault
}

// compareTargets completes profiles, and the faults behind "builtin@".
func compareTargets(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if !strings.HasPrefix(typed, "builtin@") {
		return profileOrFile(cmd, args, typed)
	}
	list, directive := faults(cmd, args, typed)
	for i := range list {
		list[i] = "builtin@" + list[i]
	}
	return list, directive
}

// selectors completes ids and sections, also behind a "!".
func selectors(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	not := ""
	if strings.HasPrefix(typed, "!") {
		not = "!"
	}
	var list []cobra.Completion
	for _, r := range rules.Catalogue() {
		list = append(list, cobra.CompletionWithDesc(not+r.ID, r.Title))
	}
	for _, s := range rules.Sections() {
		list = append(list, cobra.CompletionWithDesc(not+s.Number, s.Title))
	}
	for _, label := range []string{"must", "should", "person", "browser", "slow", "fast", "d2"} {
		list = append(list, not+"@"+label)
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

func faults(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	for _, f := range fakeidp.Faults() {
		list = append(list, cobra.CompletionWithDesc(f.ID, f.Title))
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

func personalities(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	for _, p := range fakeidp.Personalities() {
		list = append(list, cobra.CompletionWithDesc(p.Name, p.Title))
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
