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
	held, release, err := s.tab.hold(ctx)
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

// hold stops the next request that could change something, and answers what it was.
func (t *tab) hold(ctx context.Context) (held <-chan useragent.Request, release func(), err error) {
	caught := make(chan useragent.Request, 1)
	t.holding.Store(&caught)
	err = t.do(ctx, func(c context.Context) error {
		_, err := chromedp.Call(c, fetch.Enable, fetch.EnableParams{})
		return err
	})
	return caught, func() {
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
	ctx, cancel := context.WithTimeout(own, 5*time.Second)
	defer cancel()
	held := t.holding.Load()
	r := ev.Request
	reads := r == nil || r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	page := ev.ResourceType == network.ResourceTypeDocument && net.isMain(ev.FrameID)
	if held == nil || reads && !page {
		_, _ = chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
		return
	}
	caught := useragent.Request{Method: r.Method, URL: r.URL, ContentType: headerOf(r.Headers, "Content-Type"), Header: map[string]string{}}
	for _, part := range r.PostDataEntries {
		if len(caught.Body)+len(part.Bytes) <= useragent.MaxBody {
			caught.Body += string(part.Bytes)
		}
	}
	for name, value := range r.Headers {
		// What every browser adds by itself is not the page's.
		if text, ok := value.(string); ok && (strings.HasPrefix(strings.ToLower(name), "x-") || strings.EqualFold(name, "Authorization")) {
			caught.Header[name] = text
		}
	}
	// Before anybody hears of it: whoever does ends the interception, and then
	// the browser sends what is still held back.
	_, _ = chromedp.Call(ctx, fetch.FailRequest, fetch.FailRequestParams{RequestID: ev.RequestID, ErrorReason: network.ErrorReasonAborted})
	select {
	case *held <- caught:
	default:
	}
}
