package main

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/onboarding"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

// TestTrialSuggestsPages: what the heuristics recognised is an entry that finds
// the same pages without them.
func TestTrialSuggestsPages(t *testing.T) {
	notShort(t, "a browser")
	needBrowser(t)
	t.Parallel()
	for _, test := range []struct{ personality, profile string }{
		{"", "builtin"}, {"wso2", "wso2"}, {"cloudentity", "cloudentity"},
	} {
		t.Run(test.profile, func(t *testing.T) {
			t.Parallel()
			server, err := builtin.Start(fakeidp.Config{Personality: test.personality, Interval: time.Second, Consent: fakeidp.AskAlways})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			p, err := profiles.Load(test.profile, profiles.Options{Getenv: server.Getenv,
				Set: []string{"base_url=" + server.URL, "tls.allow_http=true", "verification.pages=", "verification.consent=always"}})
			if err != nil {
				t.Fatal(err)
			}
			text := "clients: {public: {id: x}}\ndiscovery: \"off\"\nendpoints: {token: https://x/t, device_authorization: https://x/d}\nverification:\n  pages:\n"
			var pages []profiles.Page
			for _, kind := range []string{"wrong_code", "login_failed", "deny", "approve"} {
				walk := try(t, p, kind)
				if test.profile == "wso2" && kind == "deny" {
					continue // it ends at an address of the client's that does not exist
				}
				for _, page := range walk.Pages {
					if !slices.ContainsFunc(pages, func(p profiles.Page) bool { return p.Role == page.Role }) {
						pages = append(pages, page)
					}
				}
			}
			onboarding.SortPages(pages)
			text += onboarding.PagesYAML(pages)
			pasted, err := profiles.Load("pasted.yaml", profiles.Options{ReadFile: func(name string) ([]byte, error) {
				if name != "pasted.yaml" {
					return nil, fs.ErrNotExist
				}
				return []byte(text), nil
			}})
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			p.Verification.Pages, p.Verification.Auto = pasted.Verification.Pages, new(false)
			for _, kind := range []string{"wrong_code", "login_failed", "approve"} {
				if again := try(t, p, kind); len(again.Pages) > 0 {
					t.Errorf("%s: something was still guessed: %+v", kind, again.Pages)
				}
			}
		})
	}
}

func try(t *testing.T, p *profiles.Profile, kind string) onboarding.Walkthrough {
	t.Helper()
	walk, err := onboarding.Walk(t.Context(), suites.Options{Profile: p}, kind, "")
	if err != nil {
		t.Fatal(err)
	}
	if !walk.Ended && (p.Name != "wso2" || kind != "deny") {
		t.Errorf("%s: %s, %s; %+v", kind, walk.Journey.Outcome, walk.Heard(), walk.Journey.Trouble)
	}
	return walk
}

// TestProfileTry: the verb, case by case, with forms.
func TestProfileTry(t *testing.T) {
	notShort(t, "a visit for every case, at the pace of people")
	t.Parallel()
	dir := t.TempDir()
	t.Run("cases", func(t *testing.T) { // which wait for their polls beside each other
		for _, kind := range scenario.WalkthroughCases() {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				status, stdout, stderr := devicegrant("profile", "try", "--case", kind, "--browser", "none", "--out", dir)
				if status != 0 || !strings.Contains(stdout, "ended as it has to") {
					t.Errorf("status %d\n%s%s", status, stdout, stderr)
				}
				for line := range strings.SplitSeq(stdout, "\n") {
					if len(line) > 100 {
						t.Errorf("a long line: %s", line)
					}
				}
			})
		}
		t.Run("cannot end well", func(t *testing.T) {
			t.Parallel()
			status, stdout, _ := devicegrant("profile", "try", "--browser", "none", "--set", "verification.consent=never", "--case", "deny", "--out", dir)
			if status != 1 || !strings.Contains(stdout, "did not end as it has to") {
				t.Errorf("status %d\n%s", status, stdout)
			}
		})
	})
	if status, _, stderr := devicegrant("profile", "try", "--case", "aprove"); status != 2 || !strings.Contains(stderr, "approve, deny") {
		t.Errorf("a case that there is not: status %d, %s", status, stderr)
	}
	if status, _, stderr := devicegrant("profile", "try", "builtin", "extra"); status != 2 {
		t.Errorf("two profiles: status %d, %s", status, stderr)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("forms make no pictures: %v, %v", files, err)
	}
}
