package chromium

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// Hold implements useragent.Attacker.
func (s *agent) Hold(ctx context.Context) (useragent.Request, error) {
	leave, err := s.TakePlace(ctx, time.Time{})
	if err != nil {
		return useragent.Request{}, err
	}
	defer leave()
	snap, err := s.tab.Look(ctx)
	if err != nil {
		return useragent.Request{}, err
	}
	p := s.tab.driver.engine.Recogniser().Recognise(snap, "")
	acts := p.Acts(pages.Approve, false)
	if !p.AsksForDecision() || len(acts) == 0 {
		return useragent.Request{}, fmt.Errorf("the page does not ask for a decision (%s)", cmp.Or(p.Role, "not recognised"))
	}
	held := make(chan useragent.Request, 1)
	abort := holder(func(own context.Context, ev *fetch.EventRequestPaused) {
		r := requestOf(ev.Request)
		// Before anybody hears of it: whoever does ends the interception, and then
		// the browser sends what is still held back.
		command(own, fetch.FailRequest, fetch.FailRequestParams{RequestID: ev.RequestID, ErrorReason: network.ErrorReasonAborted})
		select {
		case held <- r:
		default:
		}
	})
	release, err := s.tab.hold(ctx, &abort)
	defer release()
	if err != nil {
		return useragent.Request{}, err
	}
	if err := s.Perform(ctx, p, acts); err != nil {
		return useragent.Request{}, err
	}
	timer := time.NewTimer(holdLimit)
	defer timer.Stop()
	select {
	case r := <-held:
		return r, nil
	case <-timer.C:
		return useragent.Request{}, fmt.Errorf("pressing approve sent no request within %s", holdLimit)
	case <-ctx.Done():
		return useragent.Request{}, context.Cause(ctx)
	}
}

// leaving presses something, and calls o.Leaving when the request that comes of it
// is about to leave. The request is held until then, since a browser takes a while
// from a press to a request, and not always the same. If none comes, the call is
// late, and the next one will be before the press.
func (t *tab) leaving(ctx context.Context, o *useragent.Order, press func() error) error {
	switch {
	case o.Leaving == nil:
		return press()
	case t.unheld:
		o.Leaving()
		return press()
	}
	// Whoever takes the holder away makes the call: the request, or nobody any more.
	var h holder
	mine := func() bool { return t.holding.CompareAndSwap(&h, nil) }
	called := make(chan struct{})
	h = func(own context.Context, ev *fetch.EventRequestPaused) {
		if mine() {
			o.Leaving()
			defer close(called)
		}
		goOn(own, ev)
	}
	release, err := t.hold(ctx, &h)
	defer release()
	if err == nil {
		err = press()
	}
	if err != nil {
		if !mine() {
			<-called
		}
		return err
	}
	timer := time.NewTimer(holdLimit)
	defer timer.Stop()
	select {
	case <-called:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	if !mine() {
		<-called
		return nil
	}
	t.unheld = true
	o.Leaving()
	return nil
}

// holder gets a request that the browser holds back.
type holder func(own context.Context, ev *fetch.EventRequestPaused)

// hold gives the requests that could change something to h, until release. What is
// held back at that time the browser sends.
func (t *tab) hold(ctx context.Context, h *holder) (release func(), err error) {
	t.holding.Store(h)
	err = t.do(ctx, func(c context.Context) error {
		_, err := chromedp.Call(c, fetch.Enable, fetch.EnableParams{})
		return err
	})
	return func() {
		t.holding.Store(nil)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		_ = t.do(ctx, func(c context.Context) error {
			_, err := chromedp.Call(c, fetch.Disable, cdp.Empty{})
			return err
		})
	}, err
}

// paused decides about a request that the browser holds back.
func (t *tab) paused(own context.Context, net *traffic, ev *fetch.EventRequestPaused) {
	if h := t.holding.Load(); h != nil && mayChange(net, ev) {
		(*h)(own, ev)
		return
	}
	goOn(own, ev)
}

// mayChange says that a request could change something: it goes for a new page, or
// is not one that only reads.
func mayChange(net *traffic, ev *fetch.EventRequestPaused) bool {
	if ev.Request == nil {
		return false
	}
	switch ev.Request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return ev.ResourceType == network.ResourceTypeDocument && net.isMain(ev.FrameID)
	}
	return true
}

// requestOf is a held request.
func requestOf(r *network.Request) useragent.Request {
	held := useragent.Request{Method: r.Method, URL: r.URL, ContentType: headerOf(r.Headers, "Content-Type"), Header: map[string]string{}}
	for _, part := range r.PostDataEntries {
		if len(held.Body)+len(part.Bytes) <= useragent.MaxBody {
			held.Body += string(part.Bytes)
		}
	}
	for name, value := range r.Headers {
		// What every browser adds by itself is not the page's.
		if text, ok := value.(string); ok && (strings.HasPrefix(strings.ToLower(name), "x-") || strings.EqualFold(name, "Authorization")) {
			held.Header[name] = text
		}
	}
	return held
}

// goOn lets a request go to the server.
func goOn(own context.Context, ev *fetch.EventRequestPaused) {
	command(own, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
}

// command sends what the loop that reads the tab's messages may not.
func command[P any](own context.Context, c cdp.Command[P, cdp.Empty], params P) {
	ctx, cancel := context.WithTimeout(own, 5*time.Second)
	defer cancel()
	_, _ = chromedp.Call(ctx, c, params)
}
