// Package chromium is the person in a real browser: the driver "browser" of the
// package useragent.
//
// It finds a browser, runs one process for the run, with a folder of its own, and
// gives each session a browser context with one tab. A tab is read and used by
// scripts in a world of their own and by real mouse and key events, and its traffic
// is followed. Since what a browser refuses to do for a hostile page is half of the
// defence, a session can be attacked (useragent.Attacker) from a hostile site that
// is run here.
package chromium

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// Bounds of the browser driver.
const (
	startLimit = 30 * time.Second
	// tired is after how many sessions a browser is replaced: long runs leak.
	tired = 200
	// mostLost is how many browsers a run may lose: what happens twice happens
	// again.
	mostLost = 1
	// mostMemory is what the process of one page may take, and weighEvery how
	// often that is looked at. The page is given up then, and not the run.
	mostMemory = 1 << 30
	weighEvery = 500 * time.Millisecond
	// endLimit is how long a browser may take to end by itself.
	endLimit = 10 * time.Second
)

// chrome is the driver of a real browser: one process for the run, one fresh
// browser context for each session.
type chrome struct {
	o       useragent.Options
	browser Browser
	engine  *useragent.Engine
	plain   *useragent.Forms // sends what the browser would not

	mu       sync.Mutex
	running  *process
	sessions int            // opened in this process
	open     int            // of them, still open
	ending   sync.WaitGroup // of browsers that were lost
	lost     int            // browsers that died, or did not answer any more
	closed   bool
	hostile  *hostileSite
	pages    pagesKind
}

// process is a started, or attached, browser.
type process struct {
	ctx    context.Context // chromedp's; ends when the browser does
	cancel context.CancelFunc
	dir    string
	// heavy is when a page's process was last ended for what it took.
	heavy atomic.Int64
}

// New makes a driver of the browser that the options name, or of one that it finds.
// It starts nothing yet: the browser comes with the first journey. The error is a
// *[NotFoundError] where there is none, or about the options.
func New(o useragent.Options) (useragent.Driver, error) {
	c, err := newChrome(o)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func newChrome(o useragent.Options) (*chrome, error) {
	o = o.WithDefaults()
	found := Browser{Path: o.Browser}
	if o.Browser == "" {
		var err error
		if found, err = Find("", o.Getenv); err != nil {
			return nil, err
		}
	}
	plain, err := useragent.NewForms(o)
	if err != nil {
		return nil, err
	}
	// A full browser takes more than a core for each page.
	most := max(1, runtime.NumCPU()/2)
	if found.Shell() || found.Remote() {
		most = runtime.NumCPU()
	}
	if o.Parallel > 0 {
		most = o.Parallel
	}
	c := &chrome{o: o, browser: found, plain: plain}
	if c.engine, err = useragent.NewEngine(c.Name(), o, max(1, most), c.learn); err != nil {
		return nil, err
	}
	return c, nil
}

// Name implements useragent.Driver.
func (c *chrome) Name() string { return "browser" }

// NewSession implements useragent.Driver. The browser starts with the first journey.
func (c *chrome) NewSession(context.Context) (useragent.Session, error) {
	t := &tab{driver: c}
	return &session{c.engine.NewSession(t), t}, nil
}

// hostileSite starts the hostile site with the first attack.
func (c *chrome) hostileSite() (*hostileSite, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hostile == nil {
		site, err := startHostileSite()
		if err != nil {
			return nil, err
		}
		c.hostile = site
	}
	return c.hostile, nil
}

// Close ends the browser and removes its folder.
func (c *chrome) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var hostile error
	if c.hostile != nil {
		hostile = c.hostile.close()
	}
	err := errors.Join(c.plain.Close(), c.stop(), hostile)
	c.ending.Wait()
	return err
}

func (c *chrome) stop() error {
	p := c.running
	if p == nil {
		return nil
	}
	c.running = nil
	return p.end()
}

// end ends a browser and removes its folder. One that is frozen is killed.
func (p *process) end() error {
	// What belongs to it is known only as long as it lives.
	all := processesOf(p.dir)
	// In its own time: what was asked of it is waited for there.
	_ = bounded(context.Background(), endLimit, func() {}, func() error { p.cancel(); return nil })
	if p.dir == "" {
		return nil
	}
	for _, one := range all {
		one.kill()
	}
	return removeRunDir(p.dir)
}

// lose gives up a browser that no longer answers, once for all who notice.
func (c *chrome) lose(p *process, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == p {
		c.noteLost(why)
		c.running = nil
		c.ending.Go(func() { _ = p.end() })
	}
}

// noteLost counts a lost browser and says so. The caller holds the lock.
func (c *chrome) noteLost(why string) {
	c.lost++
	if c.o.Note != nil && c.lost <= mostLost {
		c.o.Note("the browser was lost (" + why + ") and replaced once; the journeys that it was on were given up")
	}
}

// acquire gives the running browser, starting one where there is none, it has
// died, or it has served long enough.
func (c *chrome) acquire(ctx context.Context, start string) (*process, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, useragent.Failed(transcript.BrowserLost, "the browser was closed")
	}
	switch p := c.running; {
	case p == nil:
	case p.ctx.Err() != nil:
		c.noteLost("it ended")
		_ = c.stop()
	case c.sessions >= tired && c.open == 0:
		_ = c.stop()
	}
	if c.running == nil && c.lost > mostLost {
		return nil, useragent.Failed(transcript.BrowserLost, fmt.Sprintf("the browser was lost %d times, and is not started again", c.lost))
	}
	if c.running == nil {
		p, err := c.launch(ctx, start)
		if err != nil {
			return nil, err
		}
		c.running, c.sessions = p, 0
	}
	c.sessions++
	c.open++
	return c.running, nil
}

func (c *chrome) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
}

func (c *chrome) launch(ctx context.Context, start string) (*process, error) {
	p := &process{}
	output := &useragent.Tail{}
	var allocator context.Context
	var stopAllocator context.CancelFunc
	if c.browser.Remote() {
		allocator, stopAllocator = remote.NewAllocator(context.Background(), c.browser.Path)
	} else {
		var err error
		if p.dir, err = makeRunDir(c.o.TempDir); err != nil {
			return nil, useragent.Failed(transcript.BrowserLost, err.Error())
		}
		allocator, stopAllocator = chromedp.NewExecAllocator(context.Background(), c.flags(ctx, p.dir, output, start)...)
	}
	quiet := func(string, ...any) {}
	first, closeTab := chromedp.NewContext(allocator, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	p.ctx = first
	// Once: the cancel function of a tab that owns its browser blocks for ever
	// when it is called a second time.
	p.cancel = sync.OnceFunc(func() { closeTab(); stopAllocator() })
	// The first Do owns the browser: it must have no time limit of its own.
	if err := bounded(ctx, startLimit, p.cancel, func() error { return chromedp.Do(first) }); err != nil {
		p.cancel()
		if p.dir != "" {
			_ = removeRunDir(p.dir) // the next run sweeps it
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, c.startFailed(err, output.String())
	}
	if p.dir != "" {
		go p.weigh()
	}
	return p, nil
}

// weigh ends the processes of pages that take too much memory, as long as the
// browser lives.
func (p *process) weigh() {
	tick := time.NewTicker(weighEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-tick.C:
		}
		for _, one := range processesOf(p.dir) {
			if one.renderer && one.memory() > mostMemory {
				p.heavy.Store(time.Now().UnixNano())
				one.kill()
			}
		}
	}
}

// tooHeavy says that a page's process was ended just now for its memory.
func (p *process) tooHeavy() bool {
	at := p.heavy.Load()
	return at != 0 && time.Since(time.Unix(0, at)) < 10*weighEvery
}

// bounded runs f, and gives it up by calling abandon.
func bounded(ctx context.Context, limit time.Duration, abandon func(), f func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		abandon()
		return fmt.Errorf("no answer within %s", limit)
	case <-ctx.Done():
		abandon()
		return context.Cause(ctx)
	}
}

// startFailed words that the browser is not there. One that ends at once may
// show as the end of its own context only.
func (c *chrome) startFailed(err error, output string) error {
	cause := c.browser.Path + " did not start"
	if errors.Is(err, context.Canceled) {
		cause += ": it ended at once"
	} else {
		cause += fmt.Sprintf(": %v", err)
	}
	if output = pages.Tidy(output, pages.MaxText); output != "" && !strings.Contains(cause, output) {
		cause += "; it said: " + output
	}
	if strings.Contains(cause, "No usable sandbox") {
		cause = c.browser.Path + " did not start: no usable sandbox, as for other users than root in a container. " +
			"Let DEVICEGRANT_BROWSER name a script that runs it with --no-sandbox \"$@\""
	}
	class := transcript.BrowserLost
	if errors.Is(err, os.ErrNotExist) {
		class = transcript.NoBrowser
		cause += "; set DEVICEGRANT_BROWSER, or install the package chromium-headless-shell"
	}
	return useragent.Failed(class, cause)
}

func (c *chrome) flags(ctx context.Context, dir string, output *useragent.Tail, start string) []chromedp.ExecAllocatorOption {
	o := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(c.browser.Path),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("lang", c.o.Verification.Locale),
		chromedp.Flag("accept-lang", c.o.Verification.Locale),
		chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.WindowSize(1000, 800),
		// The environment holds the run's secrets.
		chromedp.NoInheritEnv,
		chromedp.Env("HOME="+dir, "TMPDIR="+dir, "PATH="+c.o.Getenv("PATH")),
		chromedp.CombinedOutput(output),
	)
	if c.o.Headed {
		o = append(o, chromedp.VisibleWindow)
		for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"} {
			if value := c.o.Getenv(name); value != "" {
				o = append(o, chromedp.Env(name+"="+value))
			}
		}
	}
	if c.o.TLS.CAFile != "" && !c.o.TLS.Insecure {
		if pins := c.pins(ctx, start); len(pins) > 0 {
			o = append(o, chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(pins, ",")))
		}
	}
	return o
}

// pins are the keys that the browser shall accept beside its own roots: those
// in tls.ca_file, and that of the start page's host, after it was verified
// against tls.ca_file. The browser compares keys with the chain that a server
// sends, in which the root is usually missing.
func (c *chrome) pins(ctx context.Context, start string) []string {
	var pins []string
	add := func(cert *x509.Certificate) {
		sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
		pins = append(pins, base64.StdEncoding.EncodeToString(sum[:]))
	}
	raw, err := os.ReadFile(c.o.TLS.CAFile)
	if err != nil {
		return nil
	}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			add(cert)
		}
	}
	u, err := url.Parse(start)
	if err != nil || u.Scheme != "https" {
		return pins
	}
	port := cmp.Or(u.Port(), "443")
	config, err := c.o.TrustConfig()
	if err != nil {
		return pins
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return pins // the browser will say what is wrong
	}
	defer conn.Close()
	add(conn.(*tls.Conn).ConnectionState().PeerCertificates[0])
	return pins
}

// unwell is why a browser is of no more use, "" when it still answers: then only
// a page of it is slow or broken.
func (c *chrome) unwell(ctx context.Context, p *process) string {
	if p.ctx.Err() != nil {
		return "it ended"
	}
	err := bounded(ctx, startLimit, func() {}, func() error {
		_, err := chromedp.CallBrowser(p.ctx, browser.GetVersion, cdp.Empty{})
		return err
	})
	if err != nil && ctx.Err() == nil {
		return "it does not answer: " + err.Error()
	}
	return ""
}

// version starts the browser if need be, and asks it for its version.
func (c *chrome) version(ctx context.Context) (string, error) {
	p, err := c.acquire(ctx, "")
	if err != nil {
		return "", err
	}
	defer c.release()
	var got browser.GetVersionResult
	err = bounded(ctx, startLimit, p.cancel, func() (err error) {
		got, err = chromedp.CallBrowser(p.ctx, browser.GetVersion, cdp.Empty{})
		return err
	})
	return got.Product, err
}
