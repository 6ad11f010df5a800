package profiles

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestShippedProfilesLoad(t *testing.T) {
	names := Names()
	for _, want := range []string{"builtin", "custom", "glewlwyd", "oidc-provider"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not shipped: %v", want, names)
		}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			p, err := Load(name, Options{Getenv: environment})
			if err != nil {
				t.Fatal(err)
			}
			if p.Name != name || p.Source != "builtin:"+name || p.Title == name || p.Title != Describe(name) {
				t.Errorf("name %q, source %q, title %q, description %q", p.Name, p.Source, p.Title, Describe(name))
			}
			if len(p.Dropped) > 0 {
				t.Errorf("dropped although every variable is set: %v", p.Dropped)
			}
		})
	}
}

func TestShippedProfilesLoadWithoutEnvironment(t *testing.T) {
	for _, name := range Names() {
		p, err := Load(name, Options{Getenv: func(string) string { return "" }})
		if err != nil {
			// A public client that nothing is possible without.
			if !strings.Contains(err.Error(), "clients.public.secret: DEVICEGRANT_CLIENT_SECRET is not set") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if p.Clients.Public == nil || p.Clients.Confidential != nil {
			t.Errorf("%s: clients %+v", name, p.Clients)
		}
		text, _ := Shipped(name)
		if name != "custom" && strings.Contains(string(text), "\n  confidential:") && !slices.Contains(p.Dropped, "clients.confidential: DEVICEGRANT_CLIENT_SECRET is not set") {
			t.Errorf("%s: dropped %v", name, p.Dropped)
		}
	}
}

// TestReadmeListsTheShippedProfiles: all of them, with their titles, and no other.
func TestReadmeListsTheShippedProfiles(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "### Shipped profiles\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|[^|]*\\| (run|simulated|source|documented) \\|$").FindAllStringSubmatch(section, -1) {
		rows = append(rows, row[1]+": "+row[2])
	}
	var want []string
	for _, name := range Names() {
		if name != "custom" { // the template is no server's
			want = append(want, name+": "+Describe(name))
		}
	}
	if !slices.Equal(rows, want) {
		t.Errorf("the table has\n%s\nand shipped are\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
}

func TestExpiryInstance(t *testing.T) {
	for name, path := range map[string]string{"oidc-provider": "/token", "glewlwyd": "/api/oidc/token"} {
		p, err := Load(name, Options{Getenv: environment})
		if err != nil || p.Expiry != nil {
			t.Errorf("%s without an instance: %v, %+v", name, err, p)
		}
		p, err = Load(name, Options{Getenv: environment, Set: []string{"vars.expiry_url=http://127.0.0.1:9"}})
		if err != nil || p.Expiry == nil || p.Expiry.Endpoints.Token != "http://127.0.0.1:9"+path {
			t.Errorf("%s with an instance: %v, %+v", name, err, p)
		}
	}
}

func TestUnknownShippedName(t *testing.T) {
	_, err := Load("bultin", Options{})
	want := `bultin: no shipped profile has this name; did you mean "builtin"? To load a file, write its extension or ./bultin`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if Describe("bultin") != "" {
		t.Error("an unknown name has a description")
	}
}

// TestNothingShowsASecret prints a profile in every way that a report or a log
// might.
func TestNothingShowsASecret(t *testing.T) {
	const canary = "canary-8628"
	text := switchedOff.ReplaceAllString(template(t), "$1$2")
	p, err := loadText(text, Options{Getenv: func(string) string { return canary }, Set: []string{
		"users.first.username.env=U", "users.second.username={file: u.txt}",
	}, ReadFile: func(name string) ([]byte, error) {
		if name == "u.txt" {
			return []byte(canary + "-2"), nil
		}
		return files(name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Users.First.Password.Reveal() != canary || p.Clients.Confidential.Secret.Reveal() != canary {
		t.Fatal("the secrets were not read")
	}
	asJSON, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "profile", p, "secret", p.Users.First.Password)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "profile", p, "secret", p.Users.First.Password)
	printed := []string{string(asJSON), string(asYAML), log.String()}
	// A value in an unexported field is out of reach of its String method.
	hidden := struct{ secret Secret }{p.Users.First.Password}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{p, *p, *p.Clients.Confidential, *p.Clients.Confidential.Secret, *p.Users.First, p.Users, hidden, &hidden} {
			printed = append(printed, fmt.Sprintf(verb, value))
		}
	}
	for _, text := range printed {
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("a secret shows in %s", text)
		}
	}
}

// TestMarshalledProfileLoadsAgain holds `profile show` to its word: what it
// prints is the same profile.
func TestMarshalledProfileLoadsAgain(t *testing.T) {
	o := Options{NoSecrets: true}
	for _, name := range Names() {
		p, err := Load(name, o)
		if err != nil {
			t.Fatal(err)
		}
		text, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := loadText(string(text), o)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
			continue
		}
		third, err := yaml.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != string(third) {
			t.Errorf("%s: printed\n%s\nread again\n%s", name, text, third)
		}
	}
}
