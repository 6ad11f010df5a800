package onboarding

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

// Scaffold is what is known of a server for which a profile is to be written:
// its issuer, or its two endpoints. The rest may be empty.
type Scaffold struct {
	Issuer string
	// DeviceAuthorization and Token are the endpoints, where the metadata names none.
	DeviceAuthorization, Token string
	// ClientID is a public client, Username the login of a test user.
	ClientID, Username string
	TLS                profiles.TLS
}

// Draft is a profile that was written for a server.
type Draft struct {
	// Text is the profile, in YAML with comments.
	Text string
	// Metadata is the document that it was made from; "" for none.
	Metadata string
	// Open is what is left to whoever knows the server.
	Open []string
}

// NoMetadataError is that a server says nothing of itself, so that its endpoints
// have to be given. Tried says what was looked for.
type NoMetadataError struct {
	Issuer string
	Tried  []string
}

func (e *NoMetadataError) Error() string {
	return fmt.Sprintf("%s has no metadata:\n  %s\n  give --device-authorization-endpoint and --token-endpoint",
		e.Issuer, strings.Join(oneLines(e.Tried), "\n  "))
}

// Check says what is missing, no URL, or no certificate authority.
func (s Scaffold) Check() error {
	if s.Issuer == "" && (s.DeviceAuthorization == "" || s.Token == "") {
		return errors.New("profile init needs --issuer, or --device-authorization-endpoint and --token-endpoint")
	}
	for _, given := range [][2]string{{"--issuer", s.Issuer}, {"--device-authorization-endpoint", s.DeviceAuthorization}, {"--token-endpoint", s.Token}} {
		flag, address := given[0], given[1]
		u, err := url.Parse(address)
		if address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return fmt.Errorf("%s %q is no http or https URL", flag, address)
		}
	}
	_, err := scenario.Trust(s.TLS)
	return err
}

// Write asks the server for its metadata, at both well-known places, and writes
// a profile from it that [profiles.Load] accepts. The error is a
// *[NoMetadataError], or about what Check checks.
func (s Scaffold) Write(ctx context.Context) (Draft, error) {
	var found scenario.Found
	if s.Issuer != "" {
		var err error
		if found, err = find(ctx, s.Issuer, s.TLS); err != nil {
			return Draft{}, err
		}
	}
	if (s.DeviceAuthorization == "" || s.Token == "") && found.Metadata == "" {
		return Draft{}, &NoMetadataError{s.Issuer, found.Tried}
	}
	w := &writer{Scaffold: s, found: found, base: origin(first(s.Issuer, s.DeviceAuthorization))}
	w.head()
	w.endpoints()
	w.advertised()
	w.clients()
	w.users()
	w.scopes()
	w.expiry()
	w.trust()
	d := Draft{Text: w.text.String(), Metadata: found.Metadata, Open: w.open}
	// What is written can be read: anything else is a bug of ours.
	if _, err := profiles.Load("new.yaml", profiles.Options{NoSecrets: true, ReadFile: func(string) ([]byte, error) { return []byte(d.Text), nil }}); err != nil {
		return d, fmt.Errorf("the profile that was made is not valid, which is a bug: %w\n%s", err, d.Text)
	}
	return d, nil
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// writer writes one profile, part by part.
type writer struct {
	Scaffold
	found scenario.Found
	base  string // scheme and host
	text  strings.Builder
	open  []string
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.text, format+"\n", args...) }

func (w *writer) leave(format string, args ...any) {
	w.open = append(w.open, fmt.Sprintf(format, args...))
}

// underBase is an address as a scalar, by ${base_url} where it is below it.
func (w *writer) underBase(address string) string {
	if rest, ok := strings.CutPrefix(address, w.base); ok && (rest == "" || rest[0] == '/') {
		return quoted("${base_url}", rest)
	}
	return quoted("", address)
}

func (w *writer) head() {
	if w.found.Metadata != "" {
		w.line("# Made by devicegrant profile init from %s", report.OneLine(w.found.Metadata))
	} else {
		w.line("# Made by devicegrant profile init; the server has no metadata.")
	}
	w.line("# Every key, with its meaning and default: devicegrant profile show custom --source\n")
	host, _ := url.Parse(w.base)
	w.line("title: %s", quoted("", host.Host))
	w.line("base_url: %s\n", quoted("", w.base))
}

func (w *writer) endpoints() {
	found := w.found
	if w.Issuer != "" {
		w.line("issuer: %s", w.underBase(w.Issuer))
	}
	switch {
	case found.Metadata != "" && found.Issuer != w.Issuer:
		w.leave("the metadata says that the issuer is %q, and RFC 8414 section 3.3 wants the one that was asked for: META-04 will say so, unless --issuer was mistyped", report.OneLine(found.Issuer))
	case found.Metadata == "" && w.Issuer != "":
		w.line("discovery: off # %s", report.OneLine(strings.Join(found.Tried, "; ")))
	}
	named := ""
	for _, e := range []struct{ key, given, discovered, flag string }{
		{"device_authorization", w.DeviceAuthorization, found.Endpoints.DeviceAuthorization, "--device-authorization-endpoint"},
		{"token", w.Token, found.Endpoints.Token, "--token-endpoint"},
	} {
		switch {
		case e.given != "":
			named += fmt.Sprintf("  %s: %s\n", e.key, w.underBase(e.given))
		case e.discovered == "":
			named += fmt.Sprintf("  %s: %s\n", e.key, quoted("${base_url}", "/todo/"+e.key))
			w.leave("the metadata names no %s endpoint: endpoints.%s is a guess to be replaced (%s)", e.key, e.key, e.flag)
		}
	}
	if named != "" {
		w.line("endpoints:\n%s", strings.TrimSuffix(named, "\n"))
	}
}

// advertised are the endpoints of the metadata, as comments.
func (w *writer) advertised() {
	if w.found.Metadata == "" {
		return
	}
	at := w.found.Endpoints
	w.line("# The metadata names the endpoints:")
	for _, e := range [][2]string{
		{"device authorization", at.DeviceAuthorization}, {"token", at.Token},
		{"introspection", at.Introspection}, {"revocation", at.Revocation},
		{"userinfo", at.UserInfo}, {"jwks", at.JWKS},
	} {
		w.line("#   %-21s %s", e[0], first(report.OneLine(e[1]), "none"))
	}
	if grants := w.found.GrantTypes; len(grants) > 0 && !slices.Contains(grants, deviceGrant) {
		w.leave("grant_types_supported does not list the device grant: is it switched on at the server?")
	}
}

func (w *writer) clients() {
	w.line("\nclients:")
	w.line("  # A public client that may use the device grant, as registered at the server.")
	w.line("  public: {id: %s}", quoted("", first(w.ClientID, "my-device")))
	if w.ClientID == "" {
		w.leave("clients.public.id: register a public client for the device grant; a second one, a confidential one and one without the grant make more checks possible")
	}
	w.line("  #second: {id: my-other-device}")
	auth, listed := "client_secret_basic", w.found.ClientAuth
	if len(listed) > 0 && !slices.Contains(listed, auth) && slices.Contains(listed, "client_secret_post") {
		auth = "client_secret_post"
	}
	if len(listed) > 0 {
		w.line("  # The server lists the client authentication: %s", report.OneLine(strings.Join(listed, ", ")))
	}
	w.line("  #confidential: {id: my-confidential-device, secret: {env: DEVICEGRANT_CLIENT_SECRET}, auth: %s, optional: true}", auth)
	w.line("  #not_allowed: {id: my-web-application, secret: {env: DEVICEGRANT_CLIENT_SECRET}, optional: true}")
}

func (w *writer) users() {
	login := quoted("", first(w.Username, "alice"))
	w.line("\nusers:")
	w.line("  # Accounts made for testing: runs log in, approve and deny with them.")
	w.line("  first: {username: %s, password: {env: DEVICEGRANT_PASSWORD}, optional: true}", login)
	w.line("  #second: {username: bob, password: {env: DEVICEGRANT_PASSWORD2}, optional: true}")
	w.line("  # A login that must be refused: another random password in every run.")
	w.line("  #wrong: {username: %s, password: {generate: true}}", login)
	export := "export DEVICEGRANT_PASSWORD=... (without it nobody logs in, and what needs a person is not checked)"
	if w.Username == "" {
		export = "users.first: a test user; " + export
	}
	w.leave("%s", export)
}

func (w *writer) scopes() {
	if slices.Contains(w.found.Scopes, "openid") {
		w.line("\nscopes: [openid]")
	} else {
		w.line("\n#scopes: [...]")
		w.leave("scopes: those that the client may ask for, if the server wants any")
	}
	if len(w.found.Scopes) > 0 {
		w.line("# The server lists: %s", report.OneLine(strings.Join(w.found.Scopes, " ")))
	}
}

func (w *writer) expiry() {
	w.line("\n# The checks of expiry wait as long as codes live, at most the time budget: give\n# another client, or an instance, whose codes live shortly.")
	w.line("#expiry: {client: {id: my-short-lived-device}}")
	w.leave("verification.consent: say always if the page that asks to approve comes up every time: only then is a refusal sure to be one")
	w.leave("expiry: codes that live longer than five minutes are not waited for; name a client whose codes live shortly")
}

func (w *writer) trust() {
	switch {
	case strings.HasPrefix(w.base, "http:"):
		w.line("\ntls: {allow_http: true} # for a loopback server only")
	case w.TLS.CAFile != "":
		w.line("\ntls: {ca_file: %s}", quoted("", w.TLS.CAFile))
	}
}

// origin is the scheme and host of a URL that was checked.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
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

func oneLines(list []string) []string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = report.OneLine(text)
	}
	return out
}
