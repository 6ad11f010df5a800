package useragent

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
	o          Options
	browser    Browser
	recogniser *pages.Recogniser
	plain      *forms // sends what the browser would not
	room       *room

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

func newBrowser(o Options) (*chrome, error) {
	found := Browser{Path: o.Browser}
	if o.Browser == "" {
		var err error
		if found, err = FindBrowser("", o.Getenv); err != nil {
			return nil, err
		}
	}
	plain, err := newForms(o)
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
	return &chrome{o: o, browser: found, recogniser: plain.recogniser, plain: plain, room: newRoom(most)}, nil
}

func (c *chrome) Name() string { return "browser" }

// NewSession implements Driver. The browser starts with the first journey.
func (c *chrome) NewSession(context.Context) (Session, error) {
	t := &browserTab{driver: c}
	// A browser that has to trust the start page's own key waits for its address.
	var early func(context.Context) error
	if c.o.TLS.CAFile == "" {
		early = func(ctx context.Context) error { return t.prepare(ctx, "") }
	}
	return &attacked{&session{
		driver: c.Name(), tab: t, recogniser: c.recogniser, limits: c.o.Verification.Limits,
		consent: c.o.Verification.Consent, now: c.o.Now,
		ready: t.prepare, early: early, room: c.room, strained: c.o.Strained, learn: c.learn,
	}, t}, nil
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
		return nil, &fault{transcript.BrowserLost, "the browser was closed"}
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
		return nil, &fault{transcript.BrowserLost, fmt.Sprintf("the browser was lost %d times, and is not started again", c.lost)}
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
	output := &tail{}
	var allocator context.Context
	var stopAllocator context.CancelFunc
	if c.browser.Remote() {
		allocator, stopAllocator = remote.NewAllocator(context.Background(), c.browser.Path)
	} else {
		var err error
		if p.dir, err = makeRunDir(c.o.TempDir); err != nil {
			return nil, &fault{transcript.BrowserLost, err.Error()}
		}
		allocator, stopAllocator = chromedp.NewExecAllocator(context.Background(), c.flags(ctx, p.dir, output, start)...)
	}
	quiet := func(string, ...any) {}
	tab, closeTab := chromedp.NewContext(allocator, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	p.ctx = tab
	// Once: the cancel function of a tab that owns its browser blocks for ever
	// when it is called a second time.
	p.cancel = sync.OnceFunc(func() { closeTab(); stopAllocator() })
	// The first Do owns the browser: it must have no time limit of its own.
	if err := bounded(ctx, startLimit, p.cancel, func() error { return chromedp.Do(tab) }); err != nil {
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
	return &fault{class, cause}
}

func (c *chrome) flags(ctx context.Context, dir string, output *tail, start string) []chromedp.ExecAllocatorOption {
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
	config, err := tlsConfig(c.o)
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

// tail keeps the last output of the browser, for the message when it fails.
type tail struct {
	mu  sync.Mutex
	end []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	if len(t.end) > 64<<10 {
		t.end = slices.Clone(t.end[len(t.end)-64<<10:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}
