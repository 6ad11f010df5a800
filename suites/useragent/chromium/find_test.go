package chromium

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// journey makes one journey in an agent of its own.
func journey(t *testing.T, d useragent.Driver, task useragent.Task) transcript.Journey {
	t.Helper()
	u, err := d.NewAgent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	return u.Journey(t.Context(), task)
}

func TestFind(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	for _, c := range []struct {
		flag string
		env  func(string) string
		path string
	}{
		{"ws://box:9222", env("DEVICEGRANT_BROWSER", "/bin/sh"), "ws://box:9222"},
		{"", env("DEVICEGRANT_BROWSER", "/bin/sh", "CHROME_PATH", "/bin/cat"), "/bin/sh"},
		{"", env("CHROME_BIN", "/bin/cat"), "/bin/cat"},
	} {
		if got, err := Find(c.flag, c.env); err != nil || got.Path != c.path {
			t.Errorf("found %+v, %v; want %s", got, err, c.path)
		}
	}
	t.Setenv("PATH", "")
	for _, flag := range []string{"/no/such/browser", ""} {
		b, err := Find(flag, env())
		if err == nil {
			t.Logf("found %+v outside of PATH", b)
			continue
		}
		said := err.Error()
		if !strings.Contains(said, cmp.Or(flag, "google-chrome")) {
			t.Errorf("what was tried is not in: %v", err)
		}
		var none *NotFoundError
		if !errors.As(err, &none) {
			t.Fatalf("%T", err)
		}
		for _, part := range []string{"DEVICEGRANT_BROWSER", "chromium-headless-shell", "--browser none", "container"} {
			if !strings.Contains(none.Advice(), part) {
				t.Errorf("%q is not in: %s", part, none.Advice())
			}
		}
	}
}

// TestNoBrowser: a program that is no browser is reported as such.
func TestNoBrowser(t *testing.T) {
	d, err := New(useragent.Options{Browser: "/bin/false", TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	j := journey(t, d, errand("http://127.0.0.1:9/"))
	if j.Trouble == nil || j.Trouble.Class != transcript.BrowserLost || !strings.Contains(j.Trouble.Cause, "/bin/false") {
		t.Errorf("%+v", j.Trouble)
	}
}

// TestNoSandbox: a browser that a container refuses its sandbox comes with what
// helps, in the first line.
func TestNoSandbox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chromium")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho 'ERROR: No usable sandbox! If this is' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := New(useragent.Options{Browser: path, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	j := journey(t, d, errand("http://127.0.0.1:9/"))
	if j.Trouble == nil || !strings.Contains(j.Trouble.Cause, "--no-sandbox") || strings.Contains(j.Trouble.Cause, "\n") {
		t.Errorf("%+v", j.Trouble)
	}
}

func TestVersion(t *testing.T) {
	notInCheck(t)
	b, err := Find("", os.Getenv)
	if err != nil {
		t.Skip("skipped: ", err)
	}
	version, took, err := b.Version(t.Context())
	if err != nil || version == "" {
		t.Fatalf("%q, %v", version, err)
	}
	t.Logf("%s at %s, %s to start", version, b.Path, took)
}
