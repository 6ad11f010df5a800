package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/devicegrant/devicegrant/fakeidp"
)

// vendorExample is an entry of testdata/vendor-examples.yaml: a conversation that
// a vendor's document shows.
type vendorExample struct {
	Name        string `yaml:"name"`
	Source      string `yaml:"source"`
	Personality string `yaml:"personality"`
	Server      struct {
		UserCodeLength   int           `yaml:"user_code_length"`
		UserCodeAlphabet string        `yaml:"user_code_alphabet"`
		Lifetime         time.Duration `yaml:"lifetime"`
		Interval         time.Duration `yaml:"interval"`
	} `yaml:"server"`
	Clients []struct {
		ID     string `yaml:"id"`
		Public bool   `yaml:"public"`
		Secret string `yaml:"secret"`
	} `yaml:"clients"`
	Scopes []string      `yaml:"scopes"`
	Steps  []exampleStep `yaml:"steps"`
}

// exampleStep is one thing that happens: a request, a person who agrees, or time.
type exampleStep struct {
	Curl    []string       `yaml:"curl"`
	Status  string         `yaml:"status"`
	Answer  map[string]any `yaml:"answer"`
	Absent  []string       `yaml:"absent"`
	Approve string         `yaml:"approve"`
	Wait    time.Duration  `yaml:"wait"`
}

// TestVendorExamples sends what the vendors' documents show to the personalities,
// with curl as most of them do.
func TestVendorExamples(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("make setup installs what is missing: %v", err)
	}
	text, err := os.ReadFile("../../testdata/vendor-examples.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var examples []vendorExample
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&examples); err != nil {
		t.Fatal(err)
	}
	for _, example := range examples {
		t.Run(example.Name, example.test)
	}
}

func (e vendorExample) test(t *testing.T) {
	clock := fakeidp.NewRateClock(1)
	config := fakeidp.Config{
		Personality:        e.Personality,
		UserCodeLength:     e.Server.UserCodeLength,
		UserCodeAlphabet:   e.Server.UserCodeAlphabet,
		DeviceCodeLifetime: e.Server.Lifetime,
		Interval:           e.Server.Interval,
		Clock:              clock,
	}
	for _, c := range e.Clients {
		config.Clients = append(config.Clients, fakeidp.Client{ID: c.ID, Public: c.Public, Secret: c.Secret})
	}
	for _, s := range e.Scopes {
		config.Scopes = append(config.Scopes, fakeidp.Scope{Name: s, Description: s})
	}
	server, err := fakeidp.Start(config, "127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	said := map[string]string{"BASE": server.URL}
	for i, step := range e.Steps {
		switch {
		case step.Wait > 0:
			err = clock.Jump(step.Wait)
		case step.Approve != "":
			err = server.Approve(fill(step.Approve, said), server.Config().Users[0].Name)
		default:
			err = step.send(t, said)
		}
		if err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
	}
}

// send makes the request and looks at the answer, whose texts it remembers.
func (step exampleStep) send(t *testing.T, said map[string]string) error {
	// Neither a configuration file nor a proxy of this machine has a say.
	args := []string{"--disable", "--noproxy", "*", "--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"}
	for _, arg := range step.Curl {
		args = append(args, fill(arg, said))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	printed, err := exec.CommandContext(ctx, "curl", args...).Output()
	if err != nil {
		return fmt.Errorf("curl %q: %w", args, err)
	}
	body, status, _ := strings.Cut(string(printed), "\n")
	if status != step.Status {
		return fmt.Errorf("curl %q: status %s, want %s: %s", step.Curl, status, step.Status, body)
	}
	var answer map[string]any
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&answer); err != nil {
		return fmt.Errorf("curl %q: %w: %s", step.Curl, err, body)
	}
	for name, value := range answer {
		if text, ok := value.(string); ok {
			said[name] = text
		}
	}
	for name, want := range step.Answer {
		if !matches(answer[name], want, said) {
			t.Errorf("curl %q: %s is %v, want %v", step.Curl, name, answer[name], want)
		}
	}
	for _, name := range step.Absent {
		if value, present := answer[name]; present {
			t.Errorf("curl %q: %s is %v, and should be absent", step.Curl, name, value)
		}
	}
	return nil
}

// matches compares a text with a pattern, and anything else as it is printed.
func matches(got, want any, said map[string]string) bool {
	text, isText := got.(string)
	pattern, isPattern := want.(string)
	if isText != isPattern {
		return false
	}
	if !isText {
		return fmt.Sprint(got) == fmt.Sprint(want)
	}
	quoted := map[string]string{}
	for name, value := range said {
		quoted[name] = regexp.QuoteMeta(value)
	}
	whole, err := regexp.Compile(`^(?:` + fill(pattern, quoted) + `)$`)
	return err == nil && whole.MatchString(text)
}

var placeholder = regexp.MustCompile(`\$[A-Za-z_]+`)

// fill replaces $name by what was said under that name.
func fill(text string, said map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(name string) string { return said[name[1:]] })
}
