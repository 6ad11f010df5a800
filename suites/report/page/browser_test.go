package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// missing skips a test for want of something that CI has.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip("skipped: " + what)
}

// tab opens a tab of a real browser.
func tab(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("not in make check: it starts a browser")
	}
	browser, err := chromium.Find("", nil)
	if err != nil {
		missing(t, err.Error())
	}
	if browser.Remote() {
		t.Skip("skipped: a browser elsewhere cannot open the page's file")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(browser.Path), chromedp.UserDataDir(t.TempDir()))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	quiet := func(string, ...any) {}
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	t.Cleanup(func() { cancel(); stop() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("the browser did not start: %v", err)
	}
	limited, done := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(done)
	return limited
}

// open shows a page from a file, and returns the requests that it made.
func open(t *testing.T, ctx context.Context, content []byte) func() []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	address := (&url.URL{Scheme: "file", Path: path}).String()
	var mu sync.Mutex
	var asked []string
	if err := chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(ev.Request.URL, "data:") && strings.SplitN(ev.Request.URL, "#", 2)[0] != address {
				mu.Lock()
				asked = append(asked, ev.Request.URL)
				mu.Unlock()
			}
		case *cdpage.EventJavascriptDialogOpening:
			mu.Lock()
			asked = append(asked, "a dialog: "+ev.Message)
			mu.Unlock()
		}
	}); err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Call(ctx, cdpage.Navigate, cdpage.NavigateParams{URL: address})
	if err != nil || got.ErrorText != "" {
		t.Fatalf("opening the page: %v %s", err, got.ErrorText)
	}
	run(t, ctx, `new Promise(done => document.readyState === 'complete' ? done(1) : addEventListener('load', () => done(1)))`)
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(asked)
	}
}

// run evaluates a script in the page, and returns its value as JSON.
func run(t *testing.T, ctx context.Context, script string) string {
	t.Helper()
	awaited, byValue := true, true
	got, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: script, AwaitPromise: &awaited, ReturnByValue: &byValue})
	if err != nil {
		t.Fatalf("in the page: %v", err)
	}
	if got.ExceptionDetails != nil {
		t.Fatalf("in the page: %v", got.ExceptionDetails)
	}
	if got.Result == nil {
		return ""
	}
	return string(got.Result.Value)
}

// Markup that would run in the contexts a template has: text, attribute, URL,
// style, script, comment and SVG.
var sentinels = []string{
	`"'><script>window.pwned=1</script><img src=x onerror="window.pwned=1"><svg onload=window.pwned=1></svg></style></script></title></textarea></pre>--><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>{{.}}${window.pwned=1}`,
	`javascript:window.pwned=1//`,
	`x" onmouseover="window.pwned=1" autofocus onfocus="window.pwned=1" style="background:url(http://127.0.0.1:1/leak)"`,
}

// fill puts a text into each string of a value, and gives each list an entry.
func fill(v reflect.Value, text string, depth int) {
	if depth > 12 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text, depth+1)
			}
		}
	case reflect.Slice:
		switch v.Type() {
		case reflect.TypeFor[wire.Bytes](), reflect.TypeFor[[]byte]():
			v.SetBytes([]byte(text))
			return
		case reflect.TypeFor[json.RawMessage]():
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text, depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, text, depth+1)
		fill(value, text, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, depth+1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1500)
	}
}

// hostile is a result whose every text is the given one, and in which all parts
// of the page are shown.
func hostile(text string) report.Result {
	var r report.Result
	fill(reflect.ValueOf(&r).Elem(), text, 0)
	one := r.Checks[0]
	for i, verdict := range []rules.Verdict{rules.Fail, rules.Warn, rules.Inconclusive, rules.Broken, rules.Skip, report.Known, report.Fixed, rules.Pass} {
		c := one
		c.Verdict, c.Section = verdict, rules.Sections()[i].Number
		c.Findings = slices.Clone(one.Findings)
		c.Findings[0].Severity = rules.Fail
		r.Checks = append(r.Checks, c)
	}
	r.Checks[1].ID = "POLL-05"
	r.Throttle.Devices[0].Polls = append(r.Throttle.Devices[0].Polls, rules.ThrottlePoll{AtMS: 7000, Answer: "slow_down"})
	return r
}

func render(t *testing.T, r report.Result) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, r, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestSentinel opens pages of wholly hostile results in a real browser: nothing
// of the target's runs, is loaded, or is so much as held back by the policy.
func TestSentinel(t *testing.T) {
	ctx := tab(t)
	if _, err := chromedp.Call(ctx, cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.violations = []; document.addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI))`,
	}); err != nil {
		t.Fatal(err)
	}
	for i, text := range sentinels {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			asked := open(t, ctx, render(t, hostile(text)))
			// What a reader may do: open everything, hover, follow what looks like a link.
			run(t, ctx, `(async () => {
				for (const d of document.querySelectorAll('details')) d.open = true;
				for (const e of document.querySelectorAll('*')) { e.dispatchEvent(new MouseEvent('mouseover', {bubbles: true})); if (e.focus) e.focus(); }
				for (const a of document.querySelectorAll('a')) if (!/^(http|file)/.test(a.href)) a.click();
				document.getElementById('open-all').click();
				document.querySelector('#filter input').value = 'pwned';
				document.getElementById('filter').dispatchEvent(new Event('input'));
				await new Promise(done => setTimeout(done, 100));
			})()`)
			if got := run(t, ctx, `window.pwned === undefined`); got != "true" {
				t.Error("a text of the target ran as a script")
			}
			if got := run(t, ctx, `violations`); got != "[]" {
				t.Errorf("only the page's policy held these back: %s", got)
			}
			if got := run(t, ctx, `[document.scripts.length, document.querySelectorAll('iframe, object, embed, base, link, form[action], img:not([src^="data:image/jpeg;base64,"])').length]`); got != "[1,0]" {
				t.Errorf("scripts, and elements that no report has: %s", got)
			}
			if got := run(t, ctx, `[...document.querySelectorAll('a')].map(a => a.protocol).filter(p => !['http:', 'https:', 'file:'].includes(p))`); got != "[]" {
				t.Errorf("links lead to %s", got)
			}
			if got := run(t, ctx, `[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).map(a => a.name).filter(n => n.startsWith('on') || n === 'style')`); got != "[]" {
				t.Errorf("attributes that could run: %s", got)
			}
			if list := asked(); len(list) > 0 {
				t.Errorf("the page asked for %q", list)
			}
			if got := run(t, ctx, `document.querySelectorAll('details.check').length`); got != "9" {
				t.Errorf("%s checks are shown", got)
			}
		})
	}
}

// recorded is a run of a real server with warnings, known deviations and
// pictures made up for one of its journeys.
func recorded(t *testing.T, name string) report.Result {
	t.Helper()
	r, err := report.Read(filepath.Join("..", "..", "..", "testdata", "recordings", "runs", name+".json.gz"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAccessible lets axe-core look at the page of a whole run, with all of its
// parts open, in light and in dark.
func TestAccessible(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "strangers", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		missing(t, "axe-core is not installed: make setup")
	}
	ctx := tab(t)
	r := recorded(t, "glewlwyd")
	r.Scenarios = r.Scenarios[:10]
	for i := range r.Scenarios { // a thousand exchanges are all alike
		r.Scenarios[i].Exchanges = r.Scenarios[i].Exchanges[:min(len(r.Scenarios[i].Exchanges), 3)]
	}
	r.Checks[0].Verdict = rules.Fail
	open(t, ctx, render(t, r))
	for _, scheme := range []string{"light", "dark"} {
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}); err != nil {
			t.Fatal(err)
		}
		run(t, ctx, `for (const d of document.querySelectorAll('details')) d.open = true`)
		run(t, ctx, string(axe)+"\n;1")
		got := run(t, ctx, `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.filter(v => ['serious', 'critical', 'moderate'].includes(v.impact)).map(v => v.impact + ' ' + v.id + ': ' + v.help + ' in ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(' | ')))`)
		if got != "[]" {
			t.Errorf("%s: %s", scheme, got)
		}
	}
	if got := run(t, ctx, `[document.querySelectorAll('h1').length, document.querySelectorAll('table').length, document.querySelectorAll('table:not(:has(th[scope]))').length]`); got != "[1,2,0]" {
		t.Errorf("headings, tables, tables without headers: %s", got)
	}
}

// TestSize holds the page of a talkative run under its limit.
func TestSize(t *testing.T) {
	r := recorded(t, "builtin")
	if size := len(render(t, r)); size > MaxSize || size < 200_000 {
		t.Errorf("the page of a whole run has %d bytes", size)
	}
	r.Scenarios = r.Scenarios[:6]
	body := wire.Bytes(strings.Repeat("<&\u202e", 2_000))
	for i := range r.Scenarios {
		for k := range r.Scenarios[i].Exchanges {
			x := &r.Scenarios[i].Exchanges[k]
			x.Response = &wire.Message{Body: body}
			x.Label, x.URL = string(body), string(body)
		}
	}
	for i := range r.Checks {
		r.Checks[i].Findings = slices.Repeat([]rules.Finding{{Severity: rules.Fail, Code: string(body), Observed: string(body), Exchanges: slices.Repeat([]rules.Ref{{Scenario: r.Scenarios[0].Transcript.Scenario, N: 1}}, 10)}}, 20)
	}
	if size := len(render(t, r)); size > MaxSize {
		t.Errorf("the page of a hostile run has %d bytes", size)
	}
}

// TestEmpty renders what has next to nothing.
func TestEmpty(t *testing.T) {
	for _, r := range []report.Result{{}, {Checks: []report.Check{{}}, Scenarios: []report.Scenario{{}}, Throttle: &rules.Throttle{}}} {
		if page := string(render(t, r)); !strings.Contains(page, "unnamed server") || !strings.Contains(page, "</html>") {
			t.Errorf("%+v: %s", r, page)
		}
	}
}

// TestPictures finds thumbnails of the evidence, and nothing outside of it.
func TestPictures(t *testing.T) {
	r := recorded(t, "builtin")
	dir := t.TempDir()
	picture := shot(t)
	var with *transcript.Journey
	for i := range r.Scenarios {
		if r.Scenarios[i].Transcript.Scenario == "approval" {
			with = &r.Scenarios[i].Journeys[0]
		}
	}
	with.Steps = slices.Clone(with.Steps)
	with.Steps[0].Screenshot = picture
	for i := range r.Checks {
		if r.Checks[i].Scenario == "approval" {
			r.Checks[i].Verdict, r.Checks[i].Findings = rules.Fail, []rules.Finding{{Code: "x", Severity: rules.Fail}}
			break
		}
	}
	if _, err := report.WriteDir(dir, r); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"broken.jpg": []byte("no picture"), "huge.png": huge()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]int{with.Steps[0].File: 1, "../" + filepath.Base(dir) + "/" + with.Steps[0].File: 0, "broken.jpg": 0, "huge.png": 0, "none.jpg": 0, "/etc/passwd": 0, ".": 0} {
		with.Steps[0].File = file
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := Write(&out, r, root.FS()); err != nil {
			t.Fatal(err)
		}
		root.Close()
		if n := bytes.Count(out.Bytes(), []byte("data:image/jpeg;base64,")); (n > 0) != (want > 0) {
			t.Errorf("%s: %d pictures, want %d", file, n, want)
		}
	}
}

// shot is a small picture, as the browser makes them.
func shot(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 500, 400)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// huge is the head of a PNG that says it has four thousand million pixels.
func huge() []byte {
	return []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x02\x00\x00\x00")
}
