package profiles

import (
	"reflect"
	"regexp"
	"testing"
	"time"
)

// The template's own notation: "#key" is a key that is switched off, "#|key"
// is another spelling of the keys above it, and "# text" is prose.
var (
	switchedOff = regexp.MustCompile(`(?m)^( *)#([a-z-])`)
	alternative = regexp.MustCompile(`(?m)^( *)#\|`)
)

func template(t *testing.T) string {
	t.Helper()
	text, err := Shipped("custom")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTemplateLoadsWithEveryKeySwitchedOn(t *testing.T) {
	p, err := loadText(switchedOff.ReplaceAllString(template(t), "$1$2"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	// One key of each part shows that the text was really switched on.
	if p.Name != "my-server" || p.Clients.Confidential.DeviceAuth != AuthNone || p.Users.Wrong == nil ||
		p.Limits.Timeout != 15*time.Second || len(p.Verification.Pages) != 5 || !p.Verification.Pages[2].NoDeny ||
		p.Verification.Hook == nil || len(p.Baseline) != 1 || p.Expiry.Client == nil {
		t.Errorf("not everything was switched on: %+v", p)
	}
}

func TestTemplateLoadsWithEveryAlternative(t *testing.T) {
	p, err := loadText(alternative.ReplaceAllString(template(t), "$1"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Discovery == "auto" || p.Clients.Confidential.Auth != AuthPost || p.Users.First.Username.Env == "" ||
		p.Expiry.Endpoints.Token == "" || p.Verification.Hook.URL == "" {
		t.Errorf("not every alternative was switched on: %+v", p)
	}
}

// TestTemplateStatesTheDefaults compares the values that the template shows as
// defaults with the ones that hold when nothing is switched on.
func TestTemplateStatesTheDefaults(t *testing.T) {
	all, err := loadText(switchedOff.ReplaceAllString(template(t), "$1$2"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	none, err := loadText(template(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	all.Limits.AllowLockouts = false
	if all.Limits != none.Limits {
		t.Errorf("limits: the template shows %+v, the defaults are %+v", all.Limits, none.Limits)
	}
	a, n := all.Verification, none.Verification
	if a.Limits != n.Limits || *a.Auto != *n.Auto || a.Locale != n.Locale {
		t.Errorf("verification: the template shows %+v, the defaults are %+v", a, n)
	}
}

// TestTemplateMentionsEveryKey decodes the template with everything switched
// on and looks for every key of the schema among the keys that it has.
func TestTemplateMentionsEveryKey(t *testing.T) {
	text := template(t)
	mentioned := map[reflect.Type]map[string]bool{}
	for _, pattern := range []string{
		switchedOff.ReplaceAllString(text, "$1$2"),
		alternative.ReplaceAllString(text, "$1"),
	} {
		d := parse("custom.yaml", []byte(pattern))
		if d.root == nil {
			t.Fatal(newError(d.problems))
		}
		collectKeys(d.root, reflect.TypeFor[Profile](), mentioned)
	}
	for typ := range schemaTypes(reflect.TypeFor[Profile](), map[reflect.Type]bool{}) {
		for _, key := range fieldsOf(typ).keys {
			if !mentioned[typ][key] {
				t.Errorf("custom.yaml does not show the key %q of %v", key, typ)
			}
		}
	}
}
