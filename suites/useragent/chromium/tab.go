package chromium

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

const maxScreenshot = 1 << 20

// tab is a browser context of its own with one page, a useragent.Tab.
type tab struct {
	driver *chrome
	ctx    context.Context // chromedp's; nil until prepared
	cancel context.CancelFunc
	of     *instance
	net    *traffic
	// holding gets the next request that could change something, instead of the
	// server; nil: none is held.
	holding atomic.Pointer[holder]
	// unheld: a press sent nothing that could be held. A later one will not, either.
	unheld bool
}

// Early implements useragent.Tab. A browser that has to trust the start page's own
// key waits for its address.
func (t *tab) Early(ctx context.Context) error {
	if t.driver.o.TLS.CAFile != "" {
		return nil
	}
	return t.Ready(ctx, "")
}

// Ready implements useragent.Tab: it opens the tab at the first journey.
func (t *tab) Ready(ctx context.Context, start string) error {
	if t.ctx != nil {
		if t.ctx.Err() != nil || t.net.crashed() {
			return useragent.Failed(transcript.BrowserLost, "the browser or its renderer crashed in an earlier journey of the session")
		}
		return nil
	}
	p, err := t.driver.acquire(ctx, start)
	if err != nil {
		return err
	}
	// The listener is about this page, also when it is given up.
	var own context.Context
	var cancel context.CancelFunc
	net := newTraffic(t.driver.o.Secret)
	own, cancel = chromedp.NewContext(p.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(func(ev any) { t.event(own, net, ev) }))
	t.ctx, t.net, t.of = own, net, p
	t.cancel = sync.OnceFunc(func() { cancel(); t.driver.release() })
	// The first Do owns the tab: it must have no time limit of its own.
	err = bounded(ctx, startLimit, func() { go t.cancel() }, func() error { return chromedp.Do(own) })
	if err == nil {
		err = t.setUp(ctx)
	}
	if err == nil {
		return nil
	}
	// A page that was not set up is none: the next journey begins with a new one.
	go t.cancel()
	t.ctx, t.cancel, t.of = nil, nil, nil
	if ctx.Err() != nil {
		return err
	}
	if why := t.driver.unwell(ctx, p); why != "" {
		t.driver.lose(p, why)
	}
	return useragent.Failed(transcript.BrowserLost, "the browser opened no page: "+err.Error())
}

// setUp makes a new page ready for its journey.
func (t *tab) setUp(ctx context.Context) error {
	return t.do(ctx, func(c context.Context) error {
		t.net.setMain(cdp.FrameID(chromedp.FromContext(c).Target.TargetID))
		// Of no use here, and much traffic with every page.
		for _, domain := range []cdp.Command[cdp.Empty, cdp.Empty]{css.Disable, dom.Disable} {
			if _, err := chromedp.Call(c, domain, cdp.Empty{}); err != nil {
				return err
			}
		}
		// A tab behind others must take keys, too.
		if _, err := chromedp.Call(c, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
			return err
		}
		if t.driver.o.TLS.Insecure {
			_, err := chromedp.Call(c, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
			return err
		}
		return nil
	})
}

// event runs in the loop that reads the tab's messages: it must be quick, and
// may send no command itself.
func (t *tab) event(own context.Context, net *traffic, ev any) {
	if _, ok := ev.(*page.EventJavascriptDialogOpening); ok {
		go func() {
			// Accepting is what an end user does to go on; an open dialog blocks all.
			ctx, cancel := context.WithTimeout(own, 5*time.Second)
			defer cancel()
			_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
		return
	}
	if ev, ok := ev.(*fetch.EventRequestPaused); ok {
		go t.paused(own, net, ev)
		return
	}
	net.event(ev)
}

// do runs commands in the tab, until the caller's context or the page ends.
func (t *tab) do(ctx context.Context, f func(context.Context) error) error {
	if t.ctx == nil {
		return useragent.Failed(transcript.BrowserLost, "the browser has no page open")
	}
	c, cancel := context.WithCancel(t.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	defer context.AfterFunc(t.net.crash, cancel)()
	err := f(c)
	switch {
	case err == nil:
		return nil
	case t.net.crashed() && t.of.tooHeavy():
		return useragent.Failed(transcript.BrowserLost, fmt.Sprintf("the page used more than %d MiB of memory and was closed", mostMemory>>20))
	case t.net.crashed():
		return useragent.Failed(transcript.BrowserLost, "the page crashed the browser's renderer")
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case t.ctx.Err() != nil || errors.Is(err, chromedp.ErrTargetDetached):
		return useragent.Failed(transcript.BrowserLost, "the browser exited: "+err.Error())
	}
	for _, passing := range []string{"Execution context was destroyed", "Cannot find context", "navigated or closed", "uniqueContextId not found", "Cannot find default execution context", "No frame for given id"} {
		if strings.Contains(err.Error(), passing) {
			return useragent.ErrMoving
		}
	}
	return err
}

func (t *tab) Live() bool                   { return true }
func (t *tab) Traffic() (started, open int) { return t.net.counts() }

func (t *tab) Close() error {
	if t.cancel != nil {
		t.cancel()
		t.cancel = nil
	}
	return nil
}

func (t *tab) Open(ctx context.Context, to string) error {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return useragent.Failed(transcript.Unreachable, "not a web address")
	}
	return t.do(ctx, func(c context.Context) error {
		if u.Fragment != "" { // else a visit to the same page would not load it
			if _, err := chromedp.Call(c, page.Navigate, page.NavigateParams{URL: "about:blank"}); err != nil {
				return err
			}
		}
		got, err := chromedp.Call(c, page.Navigate, page.NavigateParams{URL: to})
		switch {
		case err != nil && strings.Contains(err.Error(), "Cannot navigate"):
			return useragent.Failed(transcript.Unreachable, err.Error())
		case err == nil && got.ErrorText != "":
			return notLoaded(got.ErrorText)
		}
		return err
	})
}

// notLoaded explains the browser's own words for a page that did not load.
func notLoaded(text string) error {
	switch {
	case strings.Contains(text, "CLIENT_AUTH"):
		text += ": the server wants a client certificate, and this browser shows none; use verification.drivers: [forms] with tls.cert_file, or a proxy that shows it"
	case strings.Contains(text, "ERR_CERT"):
		text += ": the certificate is not trusted (to trust more CAs, set tls.ca_file)"
	case strings.Contains(text, "UNSAFE_PORT"):
		text += ": browsers block this port"
	case strings.Contains(text, "ERR_TOO_MANY_REDIRECTS"):
		text += ": the server redirects in a loop"
	}
	return useragent.Failed(transcript.Unreachable, text)
}

func (t *tab) Look(ctx context.Context) (*pages.Snapshot, error) {
	queries := t.driver.engine.Recogniser().Queries()
	if queries == nil {
		queries = []string{}
	}
	var s *pages.Snapshot
	asked := time.Now()
	err := t.do(ctx, func(c context.Context) (err error) {
		s, err = evaluate[*pages.Snapshot](c, t.net.mainFrame(), call(snapshotJS, queries))
		return err
	})
	if err != nil {
		return nil, err
	}
	t.driver.engine.Reacted(time.Since(asked))
	if s == nil {
		return nil, useragent.ErrMoving
	}
	status, failed := t.net.document()
	if strings.HasPrefix(s.URL, "chrome-error:") {
		if asked := t.net.lastAsked(); t.driver.engine.Recogniser().EndsAt(asked) {
			lost := &pages.Snapshot{URL: asked, Mark: s.Mark}
			lost.Clean()
			return lost, nil
		}
		return nil, notLoaded(cmp.Or(failed, "the page did not load"))
	}
	s.Status = status
	s.Clean()
	return s, nil
}

func (t *tab) Facts() pages.Facts { return t.net.pageFacts() }

func (t *tab) Cookies(ctx context.Context, hidden pages.HiddenValues) []transcript.Cookie {
	var got network.GetCookiesResult
	err := t.do(ctx, func(c context.Context) (err error) {
		got, err = chromedp.Call(c, network.GetCookies, network.GetCookiesParams{})
		return err
	})
	if err != nil {
		return nil
	}
	var list []transcript.Cookie
	for _, c := range got.Cookies {
		list = append(list, transcript.Cookie{
			Name: pages.Tidy(c.Name, pages.MaxLabel), Path: pages.Tidy(c.Path, pages.MaxLabel), Secure: c.Secure, HTTPOnly: c.HTTPOnly,
			SameSite: string(c.SameSite), Length: len(c.Value), Field: hidden.Of(c.Value),
		})
	}
	return pages.SortCookies(list)
}

func (t *tab) Authorized() bool { return t.net.wasAuthorized() }

func (t *tab) Forget(ctx context.Context) error {
	t.net.forget()
	return t.do(ctx, func(c context.Context) error {
		id := chromedp.FromContext(c).BrowserContextID
		if _, err := chromedp.CallBrowser(c, storage.ClearCookies, storage.ClearCookiesParams{BrowserContextID: id}); err != nil {
			return err
		}
		origin, err := evaluate[string](c, t.net.mainFrame(), `(() => { try { sessionStorage.clear() } catch {} return location.origin })()`)
		if err != nil {
			return err
		}
		_, err = chromedp.Call(c, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: origin, StorageTypes: "all"})
		return err
	})
}

// probe sends the request outside of the browser, with the browser's cookies:
// the policy of a careful page (connect-src) forbids requests from within it.
func (t *tab) Probe(ctx context.Context, method, to string, headers map[string]string) (int, error) {
	status, _, err := t.sendOutside(ctx, method, to, "", headers)
	return status, err
}

// sendOutside sends a request outside of the browser, and tells which of the
// browser's cookies went along.
func (t *tab) sendOutside(ctx context.Context, method, to, body string, headers map[string]string) (status int, names []string, err error) {
	var got network.GetCookiesResult
	err = t.do(ctx, func(c context.Context) (err error) {
		got, err = chromedp.Call(c, network.GetCookies, network.GetCookiesParams{URLs: []string{to}})
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	sent := map[string]string{}
	maps.Copy(sent, headers)
	var cookies []string
	for _, c := range got.Cookies {
		cookies = append(cookies, c.Name+"="+c.Value)
		names = append(names, pages.Tidy(c.Name, pages.MaxLabel))
	}
	if len(cookies) > 0 {
		sent["Cookie"] = strings.Join(cookies, "; ")
	}
	status, err = t.driver.forms.Send(ctx, method, to, body, sent)
	return status, names[:min(len(names), pages.MaxCookies)], err
}

func (t *tab) Screenshot(ctx context.Context) []byte {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var got page.CaptureScreenshotResult
	err := t.do(ctx, func(c context.Context) (err error) {
		// JPEG costs the browser a fifth less of a whole run's time than PNG.
		quality, quick := int64(70), true
		got, err = chromedp.Call(c, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatJpeg, Quality: &quality, OptimizeForSpeed: &quick})
		return err
	})
	if err != nil || len(got.Data) > maxScreenshot {
		return nil
	}
	return got.Data
}

func (t *tab) HTML(ctx context.Context) string {
	var source string
	_ = t.do(ctx, func(c context.Context) (err error) {
		source, err = evaluate[string](c, t.net.mainFrame(), fmt.Sprintf(`(document.documentElement?.outerHTML ?? "").slice(0, %d)`, useragent.MaxBody))
		return err
	})
	return source
}
