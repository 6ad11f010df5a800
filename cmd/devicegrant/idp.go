package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/suites/builtin"
)

// idpOptions are the flags of the idp command that are not settings of the
// server itself.
type idpOptions struct {
	listen      string
	control     string
	allowRemote bool
	certOut     string
	// A limit of 0 means none on the command line, the default in Config.
	guessesPerUser, guessesPerAddress int
	// faults are names, and client=name for one client.
	faults            []string
	listFaults        bool
	listPersonalities bool
	// rateLimit is on, off, or requests a minute.
	rateLimit string
	// script is a file of queued answers.
	script string
}

func newIDPCommand() *cobra.Command {
	config := fakeidp.DefaultConfig()
	var o idpOptions
	consent := string(config.Consent)
	cmd := &cobra.Command{
		Use:   "idp",
		Short: "Serve the built-in reference server",
		Long: `Serve the built-in reference server, until interrupted.

It is a test double: it keeps everything in memory, and anyone who can reach the
control plane decides for the users. By default it listens on loopback only.

Secrets come from the environment; those that are not set are generated and
printed:
  DEVICEGRANT_CLIENT_SECRET  of the clients that have one
  DEVICEGRANT_CLIENT_KEY     private key of the client device-key, PEM or JWK
  DEVICEGRANT_PASSWORD       of the user alice
  DEVICEGRANT_PASSWORD2      of the user bob
  DEVICEGRANT_PASSWORD3      of the user carol
  DEVICEGRANT_PASSWORD4      of the user dora, in the second tenant`,
		Example: `  devicegrant idp
  devicegrant idp --clock-rate 10 --expires-in 2m
  devicegrant idp --personality wso2
  devicegrant idp --tls --tls-cert-out idp.pem
  curl --json '{"user_code":"BCDF-GHJK","user":"alice"}' http://127.0.0.1:8629/approve`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.listFaults {
				printFaults(cmd.OutOrStdout())
				return nil
			}
			if o.listPersonalities {
				printPersonalities(cmd.OutOrStdout())
				return nil
			}
			config.Consent = fakeidp.Consent(consent)
			config.GuessesPerUser = limitOrNone(o.guessesPerUser)
			config.GuessesPerAddress = limitOrNone(o.guessesPerAddress)
			if err := leaveToPersonality(cmd, &config, o.rateLimit); err != nil {
				return usageError{err}
			}
			return serveIDP(cmd, config, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8628", "address of the server")
	f.StringVar(&o.control, "control", "127.0.0.1:8629", "loopback address of the control plane; empty for none")
	f.StringVar(&config.Personality, "personality", fakeidp.Strict, "simulate a vendor's server, as far as it is known")
	f.BoolVar(&o.listPersonalities, "list-personalities", false, "list the personalities, their fidelity and their guesses")
	f.StringVar(&o.rateLimit, "rate-limit", "on", "token requests per minute; on: as in the personality; off: no limit")
	f.BoolVar(&o.allowRemote, "allow-remote", false, "allow --listen on an address that other machines can reach")
	f.StringVar(&config.Issuer, "issuer", "", "issuer URL, for example that of a proxy in front (default: the address)")
	f.BoolVar(&config.TLS, "tls", false, "serve https with a generated certificate")
	f.StringVar(&config.CertFile, "tls-cert", "", "serve https with this PEM certificate")
	f.StringVar(&config.KeyFile, "tls-key", "", "PEM key for --tls-cert")
	f.StringVar(&o.certOut, "tls-cert-out", "", "write the certificate to this file, so that clients can trust it")
	f.DurationVar(&config.DeviceCodeLifetime, "expires-in", config.DeviceCodeLifetime, "lifetime of codes")
	f.DurationVar(&config.Interval, "interval", config.Interval, "polling interval")
	f.BoolVar(&config.ThrottleFirstPoll, "throttle-first-poll", false, "start the first interval when the code is issued")
	f.DurationVar(&config.AccessTokenLifetime, "access-token-lifetime", config.AccessTokenLifetime, "lifetime of access tokens")
	f.DurationVar(&config.RefreshTokenLifetime, "refresh-token-lifetime", config.RefreshTokenLifetime, "lifetime of refresh tokens")
	f.Float64Var(&config.ClockRate, "clock-rate", config.ClockRate, "server seconds per real second")
	f.StringVar(&consent, "consent", consent, `"always" asks for every code; "skip-granted" does not ask again for a typed code`)
	f.BoolVar(&config.LoginFirst, "login-first", false, "ask for the login before the user code")
	f.StringVar(&config.UserCodeAlphabet, "user-code-alphabet", config.UserCodeAlphabet, "characters of user codes")
	f.IntVar(&config.UserCodeLength, "user-code-length", config.UserCodeLength, "length of user codes without dashes")
	f.IntVar(&o.guessesPerUser, "guesses-per-user", config.GuessesPerUser, "wrong codes per minute from one user; 0: no limit")
	f.IntVar(&o.guessesPerAddress, "guesses-per-address", config.GuessesPerAddress, "wrong codes per minute from one network address; 0: no limit")
	f.BoolVar(&config.OmitInterval, "omit-interval", false, "omit interval from responses")
	f.BoolVar(&config.OmitVerificationURIComplete, "omit-verification-uri-complete", false, "omit verification_uri_complete from responses")
	f.StringSliceVar(&o.faults, "fault", nil, "faults to switch on: M05, or CLIENT=M05 for one client")
	f.StringVar(&o.script, "script", "", "scripted responses for a client; see testdata/scripts for an example")
	f.BoolVar(&o.listFaults, "list-faults", false, "list the faults and the benign variants")
	cmd.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	cmd.MarkFlagsMutuallyExclusive("tls", "tls-cert")
	return cmd
}

// leaveToPersonality takes back the defaults of flags that nobody gave, so that
// the personality's count.
func leaveToPersonality(cmd *cobra.Command, config *fakeidp.Config, rateLimit string) error {
	switch n, err := strconv.Atoi(rateLimit); {
	case rateLimit == "off":
		config.TokenRequestsPerMinute = -1
	case err == nil && n > 0:
		config.TokenRequestsPerMinute = n
	case rateLimit != "on":
		return fmt.Errorf("--rate-limit must be on, off or a number of requests per minute, not %q", rateLimit)
	}
	given := cmd.Flags().Changed
	for flag, d := range map[string]*time.Duration{"expires-in": &config.DeviceCodeLifetime, "interval": &config.Interval} {
		if given(flag) && *d <= 0 {
			return errors.New("--expires-in and --interval must be positive") // zero would mean the default
		}
		if !given(flag) {
			*d = 0
		}
	}
	if !given("consent") {
		config.Consent = ""
	}
	if !given("user-code-alphabet") {
		config.UserCodeAlphabet = ""
	}
	if !given("user-code-length") {
		config.UserCodeLength = 0
	}
	if !given("guesses-per-user") {
		config.GuessesPerUser = 0
	}
	if !given("guesses-per-address") {
		config.GuessesPerAddress = 0
	}
	config.Tombstone = 0
	return nil
}

func limitOrNone(limit int) int {
	if limit == 0 {
		return -1
	}
	return limit
}

func serveIDP(cmd *cobra.Command, config fakeidp.Config, o idpOptions) error {
	if !o.allowRemote && !isLoopback(o.listen) {
		return usageError{fmt.Errorf("%s is not a loopback address, and this server must not face a network; "+
			"if it has to, add --allow-remote", o.listen)}
	}
	scripts, err := readScripts(o.script)
	if err != nil {
		return usageError{err}
	}
	exports, err := idpSecrets(&config)
	if err != nil {
		return err
	}
	ofClients := map[string][]string{}
	for _, name := range o.faults {
		if client, fault, one := strings.Cut(name, "="); one {
			ofClients[client] = append(ofClients[client], fault)
		} else {
			config.Faults = append(config.Faults, name)
		}
	}
	server, err := fakeidp.Start(config, o.listen, o.control)
	if unknown := (*fakeidp.UnknownFaultError)(nil); errors.As(err, &unknown) {
		return usageError{err}
	}
	if unknown := (*fakeidp.UnknownPersonalityError)(nil); errors.As(err, &unknown) {
		return usageError{err}
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return usageError{fmt.Errorf("%w; choose other addresses with --listen and --control; port 0 picks a free port", err)}
	}
	if err != nil {
		return err
	}
	defer server.Close()
	if len(scripts) > 0 {
		if err := server.Play(scripts...); err != nil {
			return usageError{err}
		}
	}
	for client, names := range ofClients {
		if err := server.SetFaults(client, names...); err != nil {
			return usageError{err}
		}
	}
	if o.certOut != "" {
		if err := writeCertificate(o.certOut, server); err != nil {
			return err
		}
	}
	printIDP(cmd.OutOrStdout(), server, exports)
	<-cmd.Context().Done()
	return nil
}

// isLoopback says whether only this machine can reach the address.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// idpSecrets fills in secrets and passwords. It returns the shell lines that
// set those that it drew: nobody could learn them otherwise.
func idpSecrets(config *fakeidp.Config) (exports []string, err error) {
	secret := func(name string) string {
		if value := os.Getenv(name); value != "" {
			return value
		}
		value := rand.Text() + rand.Text() // long enough for client_secret_jwt
		exports = append(exports, fmt.Sprintf("export %s=%s", name, value))
		return value
	}
	clientSecret := secret("DEVICEGRANT_CLIENT_SECRET")
	for i := range config.Clients {
		if !config.Clients[i].Public {
			config.Clients[i].Secret = clientSecret
		}
	}
	given := os.Getenv("DEVICEGRANT_CLIENT_KEY")
	key, err := builtin.KeyedClient(config, given)
	if err != nil {
		return nil, usageError{err}
	}
	if given == "" && key != "" {
		exports = append(exports, fmt.Sprintf("export DEVICEGRANT_CLIENT_KEY='%s'", key))
	}
	for i, name := range []string{"DEVICEGRANT_PASSWORD", "DEVICEGRANT_PASSWORD2", "DEVICEGRANT_PASSWORD3"} {
		config.Users[i].Password = secret(name)
	}
	config.Tenants[0].Users[0].Password = secret("DEVICEGRANT_PASSWORD4")
	return exports, nil
}

func writeCertificate(file string, server *fakeidp.Server) error {
	if server.Certificate == nil {
		return errors.New("--tls-cert-out needs --tls or --tls-cert")
	}
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate.Raw}
	return os.WriteFile(file, pem.EncodeToMemory(block), 0o644)
}

func printIDP(w io.Writer, server *fakeidp.Server, exports []string) {
	config := server.Config()
	fmt.Fprintln(w, "devicegrant idp: a test double, not for production")
	fmt.Fprintln(w)
	p := server.Personality()
	if p.Name != fakeidp.Strict {
		fmt.Fprintf(w, "  simulates %s (--personality %s): wire %s, pages %s\n", p.Title, p.Name, p.Wire, p.Pages)
		fmt.Fprintf(w, "  base URL  %s\n", server.URL)
	}
	fmt.Fprintf(w, "  issuer    %s\n", server.Issuer())
	fmt.Fprintf(w, "  codes     %s\n", server.VerificationURI())
	if server.ControlURL != "" {
		fmt.Fprintf(w, "  control   %s\n", server.ControlURL)
	}
	for i, client := range config.Clients {
		fmt.Fprintf(w, "  %-9s %-20s %s\n", heading(i, "clients"), client.ID, describeClient(config, client))
	}
	for i, user := range config.Users {
		fmt.Fprintf(w, "  %-9s %s\n", heading(i, "users"), user.Name)
	}
	for _, t := range config.Tenants {
		fmt.Fprintf(w, "  %-9s %s%s\n", "tenant", server.URL, t.Path)
		for i, client := range t.Clients {
			fmt.Fprintf(w, "  %-9s %-20s %s\n", heading(i, "clients"), client.ID, describeClient(config, client))
		}
		for i, user := range t.Users {
			fmt.Fprintf(w, "  %-9s %s\n", heading(i, "users"), user.Name)
		}
	}
	active := server.ActiveFaults()
	for i, client := range slices.Sorted(maps.Keys(active)) {
		whom := client
		if client == "" {
			whom = "every client"
		}
		fmt.Fprintf(w, "  %-9s %-20s %s\n", heading(i, "faults"), whom, strings.Join(active[client], ", "))
	}
	for i, client := range server.Playing() {
		fmt.Fprintf(w, "  %-9s %s\n", heading(i, "scripts"), client)
	}
	if len(exports) > 0 {
		fmt.Fprintln(w)
		fmt.Fprintln(w, strings.Join(exports, "\n"))
	}
}

// maxScript bounds the file of a script.
const maxScript = 1 << 20

// readScripts reads a file of scripts: YAML with the keys of fakeidp.Script.
func readScripts(file string) ([]fakeidp.Script, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("the script: %w", err)
	}
	defer f.Close()
	var tree any
	if err := yaml.NewDecoder(io.LimitReader(f, maxScript)).Decode(&tree); err != nil {
		return nil, fmt.Errorf("the script %s: %w", file, err)
	}
	asJSON, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("the script %s: %w", file, err)
	}
	d := json.NewDecoder(bytes.NewReader(asJSON))
	d.DisallowUnknownFields()
	var scripts []fakeidp.Script
	if err := d.Decode(&scripts); err != nil {
		return nil, fmt.Errorf("the script %s: %w; a script is a list with the keys client, device_authorization, token and repeat", file, err)
	}
	return scripts, nil
}

// printFaults lists what the server can do wrong, or merely differently.
func printFaults(w io.Writer) {
	for _, part := range []struct {
		kind    fakeidp.FaultKind
		heading string
	}{{fakeidp.Defect, "Faults: the suite must see each"}, {fakeidp.Benign, "Benign variants: unusual, and conforming"}} {
		fmt.Fprintf(w, "%s\n\n", part.heading)
		for _, f := range fakeidp.Faults() {
			if f.Kind != part.kind {
				continue
			}
			const indent = "              "
			fmt.Fprintf(w, "  %-11s %s\n%s%s\n", f.ID, hanging(f.Title, indent), indent, f.Name)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "Use the id or the name: devicegrant idp --fault M05,device-second=B04")
}

// printPersonalities lists whom the server can resemble, and how closely.
func printPersonalities(w io.Writer) {
	fmt.Fprintf(w, "Personalities: simulations, not the vendors' servers\n\n")
	for _, p := range fakeidp.Personalities() {
		fmt.Fprintf(w, "  %-14s %s\n", p.Name, p.Title)
		fmt.Fprintf(w, "  %-14s fidelity: wire %s, pages %s\n", "", p.Wire, p.Pages)
		for i, guess := range p.Guesses {
			fmt.Fprintf(w, "  %-14s %-9s %s\n", "", heading(i, "guesses:"), hanging(guess, strings.Repeat(" ", 27)))
		}
	}
	fmt.Fprintln(w, "\nUse the name: devicegrant idp --personality wso2")
}

// heading is the first column of a list: only its first row has one.
func heading(row int, text string) string {
	if row > 0 {
		return ""
	}
	return text
}

func describeClient(config fakeidp.Config, client fakeidp.Client) string {
	words := []string{"confidential"}
	switch {
	case client.Public:
		words = []string{"public"}
	case len(client.Keys) > 0:
		words = []string{"private_key_jwt"}
	}
	if client.NoDeviceGrant {
		words = append(words, "not allowed the device grant")
	}
	if client.DeviceCodeLifetime != config.DeviceCodeLifetime {
		words = append(words, "codes live "+client.DeviceCodeLifetime.Round(time.Second).String())
	}
	return strings.Join(words, ", ")
}
