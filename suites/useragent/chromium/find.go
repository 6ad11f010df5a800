package chromium

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/useragent"
)

// Browser is a browser that was found.
type Browser struct {
	// Path is an executable, or the ws:// or http:// URL of a running browser.
	Path string
	// From says why it was chosen: the flag, a variable, or the search.
	From string
}

// Remote reports whether the browser is already running elsewhere.
func (b Browser) Remote() bool { return isRemote(b.Path) }

// Shell reports whether it is the light build without windows, which takes a
// fifth of the processor time of the full one.
func (b Browser) Shell() bool {
	name := strings.ReplaceAll(filepath.Base(b.Path), "_", "-")
	return strings.Contains(name, "headless-shell")
}

func isRemote(path string) bool {
	for _, scheme := range []string{"ws://", "wss://", "http://", "https://"} {
		if strings.HasPrefix(path, scheme) {
			return true
		}
	}
	return false
}

// The variables that may name a browser, and the names that are searched for,
// the light builds first.
var (
	browserVariables = []string{"DEVICEGRANT_BROWSER", "CHROME_PATH", "CHROME_BIN"}
	browserNames     = []string{
		"chromium-headless-shell", "chrome-headless-shell", "headless-shell", "headless_shell",
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "google-chrome-beta",
		"google-chrome-unstable", "/usr/local/bin/chrome", "/snap/bin/chromium", "chrome",
	}
)

// Find finds a browser: the flag, DEVICEGRANT_BROWSER, CHROME_PATH, CHROME_BIN,
// then the usual names. A browser that the flag or a variable names must exist;
// Find then searches no further.
func Find(flag string, getenv func(string) string) (Browser, error) {
	if getenv == nil {
		getenv = os.Getenv
	}
	if flag != "" {
		return named(flag, "--browser")
	}
	for _, variable := range browserVariables {
		if path := getenv(variable); path != "" {
			return named(path, variable)
		}
	}
	names := append(browserNames[:len(browserNames):len(browserNames)], systemBrowsers(getenv)...)
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return Browser{Path: path, From: "search"}, nil
		}
	}
	return Browser{}, &NotFoundError{Tried: names}
}

func named(path, from string) (Browser, error) {
	if isRemote(path) {
		return Browser{Path: path, From: from}, nil
	}
	found, err := exec.LookPath(path)
	if err != nil {
		var wrapped *exec.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return Browser{}, &NotFoundError{Tried: []string{fmt.Sprintf("%s (%s): %v", path, from, err)}}
	}
	return Browser{Path: found, From: from}, nil
}

func systemBrowsers(getenv func(string) string) []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{
			"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
			"/Applications/Chromium.app/Contents/MacOS/Chromium",
		}
	case "windows":
		var out []string
		for _, root := range []string{"ProgramFiles", "ProgramFiles(x86)", "LocalAppData"} {
			if dir := getenv(root); dir != "" {
				out = append(out, filepath.Join(dir, `Google\Chrome\Application\chrome.exe`),
					filepath.Join(dir, `Microsoft\Edge\Application\msedge.exe`))
			}
		}
		return out
	}
	return nil
}

// NotFoundError says that no browser was found, and what to do.
type NotFoundError struct {
	// Tried lists what was searched for.
	Tried []string
}

// Error lists what was searched for, in one line.
func (e *NotFoundError) Error() string {
	return "no browser found: tried " + strings.Join(e.Tried, ", ")
}

// Advice says what to install if there is no browser, one line per option.
func (e *NotFoundError) Advice() string {
	return `add one: the package chromium-headless-shell (Debian), chromium (Alpine) or google-chrome, or the container image's target "browser"; for root Chromium's sandbox is switched off unasked
or name one: --browser or DEVICEGRANT_BROWSER, with a path or a ws:// URL
or do without: --browser none skips what needs one`
}

// Explain returns the text of an error from [Find], with what to do about it.
func Explain(err error) string {
	if none := (*NotFoundError)(nil); errors.As(err, &none) {
		return err.Error() + "\n" + none.Advice()
	}
	return err.Error()
}

// WantedError says that a browser that was requested or needed is missing.
type WantedError struct{ Err error }

func (e *WantedError) Error() string { return Explain(e.Err) }

func (e *WantedError) Unwrap() error { return e.Err }

// Version asks the browser for its name and version, and measures how long that
// took from a cold start.
func (b Browser) Version(ctx context.Context) (version string, coldStart time.Duration, err error) {
	start := time.Now()
	d, err := newChrome(useragent.Options{Browser: b.Path})
	if err != nil {
		return "", 0, err
	}
	defer d.Close()
	version, err = d.version(ctx)
	return version, time.Since(start), err
}
