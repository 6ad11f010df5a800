package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

// scaffold is what the flags of profile init say.
type scaffold struct {
	issuer              string
	deviceAuthorization string
	token               string
	clientID            string
	username            string
	out                 string
	tls                 profiles.TLS
}

func newProfileInitCommand() *cobra.Command {
	var s scaffold
	cmd := &cobra.Command{
		Use:   "init --issuer URL",
		Short: "Write a profile for a server from what it says of itself",
		Long: `Write a commented profile for a server from its metadata, which is looked for at
both well-known places (RFC 8414 and OpenID Connect Discovery), and say what the
metadata cannot tell. A server without metadata needs its two endpoints.`,
		Example: `  devicegrant profile init --issuer https://idp.example.com/realms/acme --out my-server.yaml
  devicegrant profile init --issuer https://idp.example.com --client-id tv --username alice
  devicegrant profile init --token-endpoint https://idp.example.com/token \
    --device-authorization-endpoint https://idp.example.com/device_authorization`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.write(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&s.issuer, "issuer", "", "issuer identifier of the server, a URL")
	f.StringVar(&s.deviceAuthorization, "device-authorization-endpoint", "", "where the metadata names none")
	f.StringVar(&s.token, "token-endpoint", "", "where the metadata names none")
	f.StringVar(&s.clientID, "client-id", "", "id of a public client that may use the device grant")
	f.StringVar(&s.username, "username", "", "login of a test user")
	f.StringVar(&s.tls.CAFile, "ca-file", "", "PEM file of a private CA to trust")
	f.StringVarP(&s.out, "out", "o", "", "file to write; it must not exist (default: standard output)")
	return cmd
}

func (s scaffold) write(ctx context.Context, stdout, stderr io.Writer) error {
	stderr = report.InertWriter{Writer: stderr}
	if err := s.check(); err != nil {
		return usageError{err}
	}
	if s.tls.CAFile != "" {
		file, err := filepath.Abs(s.tls.CAFile) // a profile means a path beside itself
		if err != nil {
			return err
		}
		s.tls.CAFile = file
	}
	var found scenario.Found
	if s.issuer != "" {
		var err error
		if found, err = suites.Find(ctx, s.issuer, s.tls); err != nil {
			return usageError{err}
		}
	}
	if (s.deviceAuthorization == "" || s.token == "") && found.Metadata == "" {
		return fmt.Errorf("%s has no metadata:\n  %s\n  give --device-authorization-endpoint and --token-endpoint",
			s.issuer, strings.Join(printables(found.Tried), "\n  "))
	}
	text, open := s.profile(found)
	// What is written can be read: anything else is a fault of ours.
	if _, err := profiles.Load("new.yaml", profiles.Options{NoSecrets: true, ReadFile: func(string) ([]byte, error) { return []byte(text), nil }}); err != nil {
		return fmt.Errorf("the profile that was made is not valid, which is a bug: %w\n%s", err, text)
	}
	if s.out == "" {
		if _, err := io.WriteString(stdout, text); err != nil {
			return err
		}
	} else if err := writeNew(s.out, text); err != nil {
		return usageError{err}
	}
	name := s.out
	if name == "" {
		name = "FILE"
	}
	if found.Metadata != "" {
		fmt.Fprintf(stderr, "metadata  %s\n", printable(found.Metadata))
	}
	fmt.Fprintln(stderr, "left to you:")
	for _, what := range open {
		for i, line := range wrap(what, 76) {
			fmt.Fprintf(stderr, "%s%s\n", [...]string{"  - ", "    "}[min(i, 1)], line)
		}
	}
	fmt.Fprintf(stderr, "then: devicegrant profile check %s\n", name)
	return nil
}

func (s scaffold) check() error {
	if s.issuer == "" && (s.deviceAuthorization == "" || s.token == "") {
		return errors.New("profile init needs --issuer, or --device-authorization-endpoint and --token-endpoint")
	}
	for flag, address := range map[string]string{"--issuer": s.issuer, "--device-authorization-endpoint": s.deviceAuthorization, "--token-endpoint": s.token} {
		u, err := url.Parse(address)
		if address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return fmt.Errorf("%s %q is no http or https URL", flag, address)
		}
	}
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return errors.Join(err, f.Close())
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// profile is the text of the profile, and what its writer cannot know.
func (s scaffold) profile(found scenario.Found) (text string, open []string) {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	base := origin(first(s.issuer, s.deviceAuthorization))
	underBase := func(address string) string {
		if rest, ok := strings.CutPrefix(address, base); ok && (rest == "" || rest[0] == '/') {
			return quoted("${base_url}", rest)
		}
		return quoted("", address)
	}

	if found.Metadata != "" {
		line("# Made by devicegrant profile init from %s", printable(found.Metadata))
	} else {
		line("# Made by devicegrant profile init; the server has no metadata.")
	}
	line("# Every key, with its meaning and default: devicegrant profile show custom --source\n")
	host, _ := url.Parse(base)
	line("title: %s", quoted("", host.Host))
	line("base_url: %s\n", quoted("", base))

	endpoints := map[string]string{}
	if s.issuer != "" {
		line("issuer: %s", underBase(s.issuer))
	}
	switch {
	case found.Metadata != "" && found.Issuer != s.issuer:
		open = append(open, fmt.Sprintf("the metadata says that the issuer is %q, and RFC 8414 section 3.3 wants the one that was asked for: META-04 will say so, unless --issuer was mistyped", printable(found.Issuer)))
	case found.Metadata == "" && s.issuer != "":
		line("discovery: off # %s", printable(strings.Join(found.Tried, "; ")))
	}
	for _, e := range []struct{ key, given, discovered, flag string }{
		{"device_authorization", s.deviceAuthorization, found.Endpoints.DeviceAuthorization, "--device-authorization-endpoint"},
		{"token", s.token, found.Endpoints.Token, "--token-endpoint"},
	} {
		switch {
		case e.given != "":
			endpoints[e.key] = underBase(e.given)
		case e.discovered == "":
			endpoints[e.key] = quoted("${base_url}", "/todo/"+e.key)
			open = append(open, "the metadata names no "+e.key+" endpoint: endpoints."+e.key+" is a guess to be replaced ("+e.flag+")")
		}
	}
	if len(endpoints) > 0 {
		line("endpoints:")
		for _, key := range []string{"device_authorization", "token"} {
			if endpoints[key] != "" {
				line("  %s: %s", key, endpoints[key])
			}
		}
	}
	if found.Metadata != "" {
		line("# The metadata names the endpoints:")
		for _, e := range [][2]string{
			{"device authorization", found.Endpoints.DeviceAuthorization}, {"token", found.Endpoints.Token},
			{"introspection", found.Endpoints.Introspection}, {"revocation", found.Endpoints.Revocation},
			{"userinfo", found.Endpoints.UserInfo}, {"jwks", found.Endpoints.JWKS},
		} {
			line("#   %-21s %s", e[0], first(printable(e[1]), "none"))
		}
		if len(found.GrantTypes) > 0 && !slices.Contains(found.GrantTypes, deviceGrant) {
			open = append(open, "grant_types_supported does not list the device grant: is it switched on at the server?")
		}
	}

	line("\nclients:")
	line("  # A public client that may use the device grant, as registered at the server.")
	line("  public: {id: %s}", quoted("", first(s.clientID, "my-device")))
	if s.clientID == "" {
		open = append(open, "clients.public.id: register a public client for the device grant; a second one, a confidential one and one without the grant make more checks possible")
	}
	line("  #second: {id: my-other-device}")
	auth := "client_secret_basic"
	if len(found.ClientAuth) > 0 && !slices.Contains(found.ClientAuth, auth) && slices.Contains(found.ClientAuth, "client_secret_post") {
		auth = "client_secret_post"
	}
	if len(found.ClientAuth) > 0 {
		line("  # The server lists the client authentication: %s", printable(strings.Join(found.ClientAuth, ", ")))
	}
	line("  #confidential: {id: my-confidential-device, secret: {env: DEVICEGRANT_CLIENT_SECRET}, auth: %s, optional: true}", auth)
	line("  #not_allowed: {id: my-web-application, secret: {env: DEVICEGRANT_CLIENT_SECRET}, optional: true}")

	line("\nusers:")
	line("  # Accounts made for testing: runs log in, approve and deny with them.")
	line("  first: {username: %s, password: {env: DEVICEGRANT_PASSWORD}, optional: true}", quoted("", first(s.username, "alice")))
	line("  #second: {username: bob, password: {env: DEVICEGRANT_PASSWORD2}, optional: true}")
	line("  # A login that must be refused: another random password in every run.")
	line("  #wrong: {username: %s, password: {generate: true}}", quoted("", first(s.username, "alice")))
	if s.username == "" {
		open = append(open, "users.first: a test user; export DEVICEGRANT_PASSWORD=... (without it nobody logs in, and what needs a person is not checked)")
	} else {
		open = append(open, "export DEVICEGRANT_PASSWORD=... (without it nobody logs in, and what needs a person is not checked)")
	}

	if slices.Contains(found.Scopes, "openid") {
		line("\nscopes: [openid]")
	} else {
		line("\n#scopes: [...]")
		open = append(open, "scopes: those that the client may ask for, if the server wants any")
	}
	if len(found.Scopes) > 0 {
		line("# The server lists: %s", printable(strings.Join(found.Scopes, " ")))
	}

	line("\n# The checks of expiry wait as long as codes live, at most the time budget: give\n# another client, or an instance, whose codes live shortly.")
	line("#expiry: {client: {id: my-short-lived-device}}")
	open = append(open, "verification.consent: say always if the page that asks to approve comes up every time: only then is a refusal sure to be one")
	open = append(open, "expiry: codes that live longer than five minutes are not waited for; name a client whose codes live shortly")
	if host.Scheme == "http" {
		line("\ntls: {allow_http: true} # for a loopback server only")
	} else if s.tls.CAFile != "" {
		line("\ntls: {ca_file: %s}", quoted("", s.tls.CAFile))
	}
	return b.String(), open
}

// origin is the scheme and host of a URL that was checked.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// quoted is a YAML scalar: a variable of ours, and text of which nothing is one.
func quoted(variable, text string) string {
	text = variable + strings.ReplaceAll(text, "${", "$${")
	if plainScalar(text) {
		return text
	}
	asJSON, err := json.Marshal(text) // JSON is YAML
	if err != nil {
		panic(err) // a string can be written as JSON
	}
	return string(asJSON)
}

// plainScalar says that a text needs no quotes, erring on the safe side.
func plainScalar(text string) bool {
	if text == "" || !unicode.IsLetter(rune(text[0])) && !strings.HasPrefix(text, "${base_url}") || strings.HasSuffix(text, ":") {
		return false
	}
	switch strings.ToLower(text) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return false
	}
	rest := strings.TrimPrefix(text, "${base_url}")
	return !strings.ContainsFunc(rest, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:", r)
	})
}

// printable is a server's text on one line of a comment or a terminal.
func printable(text string) string {
	const longest = 600
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "..."
	}
	return text
}

func printables(list []string) []string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = printable(text)
	}
	return out
}
