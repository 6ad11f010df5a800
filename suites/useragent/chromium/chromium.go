// Package chromium acts as the end user in a real browser: it is the driver
// "browser" of package useragent.
//
// It finds a browser and runs one process for the whole run, with its own
// profile folder. Each agent gets a browser context with one tab. Scripts in an
// isolated world read the tab, real mouse and key events operate it, and its
// traffic is recorded. Because half of the protection is what a browser refuses
// to do for a hostile page, an agent can also be attacked
// ([useragent.Attacker]) from a hostile site that runs here.
package chromium

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
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
// browser context for each agent.
type chrome struct {
	o       useragent.Options
	browser Browser
	engine  *useragent.Engine
	forms   *useragent.Forms // sends what the browser would not

	mu       sync.Mutex
	running  *instance
	sessions int            // opened in the running one
	open     int            // of them, still open
	ending   sync.WaitGroup // of browsers that were lost
	lost     int            // browsers that died, or did not answer any more
	closed   bool
	hostile  *hostileSite
	pages    pagesKind
}

// New returns a driver for the browser in the options, or for one that it
// finds. It starts nothing yet: the browser starts with the first journey. The
// error is a *[NotFoundError] if there is none, or about the options.
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
	forms, err := useragent.NewForms(o)
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
	c := &chrome{o: o, browser: found, forms: forms}
	if c.engine, err = useragent.NewEngine(c.Name(), o, max(1, most), c.learn); err != nil {
		return nil, err
	}
	return c, nil
}

// Name implements useragent.Driver.
func (c *chrome) Name() string { return "browser" }

// NewAgent implements useragent.Driver. The browser starts with the first journey.
func (c *chrome) NewAgent(context.Context) (useragent.Agent, error) {
	t := &tab{driver: c}
	return &agent{c.engine.NewAgent(t), t}, nil
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
	err := errors.Join(c.forms.Close(), c.stop(), hostile)
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

// lose gives up a browser that no longer answers, once for all who notice.
func (c *chrome) lose(p *instance, why string) {
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
		c.o.Note("the browser was lost (" + why + ") and replaced once; its journeys were abandoned")
	}
}

// acquire gives the running browser, starting one where there is none, it has
// died, or it has served long enough.
func (c *chrome) acquire(ctx context.Context, start string) (*instance, error) {
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

// unwell is why a browser is of no more use, "" when it still answers: then only
// a page of it is slow or broken.
func (c *chrome) unwell(ctx context.Context, p *instance) string {
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
