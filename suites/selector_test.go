package suites

import (
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/rules"
)

func TestSelect(t *testing.T) {
	ids := func(selectors ...string) string {
		chosen, err := Select(selectors, "all")
		if err != nil {
			t.Errorf("%v: %v", selectors, err)
		}
		var list []string
		for _, r := range chosen {
			list = append(list, r.ID)
		}
		return strings.Join(list, " ")
	}
	for want, selectors := range map[string][]string{
		"POLL-05":           {"POLL-05"},
		"POLL-05 POLL-08":   {"poll-05", "POLL-08"},
		"TOKEN-01 TOKEN-02": {"TOKEN-0[12]"},
		"TOKEN-01 TOKEN-03": {"TOKEN-0[1-3]", "!TOKEN-02"},
		"META-01 META-02 META-03 META-04 META-05": {"4"},
	} {
		if got := ids(selectors...); got != want {
			t.Errorf("%v selects %q, want %q", selectors, got, want)
		}
	}
	for label, known := range map[string]string{"@browser": "VERIFY-10", "@expiry": "POLL-10", "@d2": "ERR-04"} {
		if got := ids(label); !strings.Contains(got, known) || strings.Contains(got, "DA-01") {
			t.Errorf("%s selects %q", label, got)
		}
	}
	if got := ids(); len(strings.Fields(got)) != len(rules.Catalogue()) {
		t.Error("no selector does not select everything")
	}
	if got := ids("3"); strings.Contains(got, "META") || !strings.Contains(got, "DA-01") {
		t.Errorf("section 3 selects %q", got)
	}
}

func TestSelectLevels(t *testing.T) {
	for level, excluded := range map[string][]rules.Level{
		"must":   {rules.Should, rules.May, rules.NonNorm, rules.Hygiene},
		"should": {rules.May, rules.NonNorm, rules.Hygiene},
	} {
		chosen, err := Select(nil, level)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range chosen {
			for _, x := range excluded {
				if r.Level == x {
					t.Errorf("level %s includes %s (%s)", level, r.ID, r.Level)
				}
			}
		}
	}
}

func TestSelectRefusesWithAHint(t *testing.T) {
	for selector, want := range map[string]string{
		"POL-05":        "POLL-05",
		"@brwser":       "@browser",
		"!@sloww":       "@slow",
		"3.9":           "devicegrant list",
		"ERR-99":        "devicegrant list",
		"completely-no": "devicegrant list",
		"POLL-[":        "POLL-",
	} {
		_, err := Select([]string{selector}, "all")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a hint at %s", selector, err, want)
		}
	}
	if _, err := Select([]string{"POLL-05", "!POLL-05"}, "all"); err == nil {
		t.Error("an empty selection is no error")
	}
	if _, err := Select(nil, "shall"); err == nil {
		t.Error("an unknown level is no error")
	}
}
