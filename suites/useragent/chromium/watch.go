package chromium

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/devicegrant/devicegrant/suites/useragent"
)

// maxURLs bounds the requests whose addresses are kept for their answers.
const maxURLs = 500

// show hands an event of the network to the watch. Bodies are fetched at once
// and on the side: a browser forgets them with the page.
func (t *traffic) show(ev any) {
	w := t.watched
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		if ev.Request == nil {
			return
		}
		at := ev.Request.URL + ev.Request.URLFragment
		if len(t.urls) < maxURLs {
			t.urls[ev.RequestID] = at
		}
		w.Search("request URL", at, at)
		w.Headers("request", at, httpHeader(ev.Request.Headers))
		for _, part := range ev.Request.PostDataEntries {
			if part != nil {
				w.Search("request body", at, string(part.Bytes))
			}
		}
		if ev.RedirectResponse != nil {
			w.Headers("response", ev.RedirectResponse.URL, httpHeader(ev.RedirectResponse.Headers))
		}
	case *network.EventRequestWillBeSentExtraInfo:
		w.Headers("request", t.urls[ev.RequestID], httpHeader(ev.Headers))
	case *network.EventResponseReceived:
		if ev.Response != nil {
			w.Headers("response", ev.Response.URL, httpHeader(ev.Response.Headers))
		}
	case *network.EventResponseReceivedExtraInfo:
		w.Headers("response", t.urls[ev.RequestID], httpHeader(ev.Headers))
	case *network.EventLoadingFinished:
		at, known := t.urls[ev.RequestID]
		_, wanted := t.open[ev.RequestID]
		if !known || !wanted || ev.EncodedDataLength > useragent.MaxBody {
			return
		}
		fetch := t.body
		w.Aside(func() {
			if body, err := fetch(ev.RequestID); err == nil {
				w.Search("response body", at, string(body[:min(len(body), useragent.MaxBody)]))
			}
		})
	}
}

func httpHeader(headers network.Headers) http.Header {
	h := make(http.Header, len(headers))
	for name, value := range headers {
		h[name] = []string{fmt.Sprint(value)}
	}
	return h
}

func (t *traffic) setWatch(w *useragent.Watch, body func(network.RequestID) ([]byte, error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watched, t.body = w, body
	clear(t.urls)
}

func (t *tab) Watch(w *useragent.Watch) {
	if t.net == nil {
		return
	}
	own := t.ctx
	t.net.setWatch(w, func(id network.RequestID) ([]byte, error) {
		ctx, cancel := context.WithTimeout(own, 2*time.Second)
		defer cancel()
		got, err := chromedp.Call(ctx, network.GetResponseBody, network.GetResponseBodyParams{RequestID: id})
		return got.Body, err
	})
}

// keptJS is what a page keeps: its markup as the scripts left it, and what they
// stored.
const keptJS = `(() => {
  const kept = { at: location.href, page: (document.documentElement?.outerHTML ?? "").slice(0, %d), storage: "" };
  try { kept.storage = JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}]).slice(0, %d) } catch {}
  return kept;
})()`

func (t *tab) Inspect(ctx context.Context, w *useragent.Watch) {
	if w == nil {
		return
	}
	var kept struct{ At, Page, Storage string }
	err := t.do(ctx, func(c context.Context) (err error) {
		kept, err = evaluate[struct{ At, Page, Storage string }](c, t.net.mainFrame(), fmt.Sprintf(keptJS, useragent.MaxBody, useragent.MaxBody))
		return err
	})
	if err != nil {
		return // the page is gone already; its answers were seen
	}
	w.Search("page", kept.At, kept.Page)
	w.Search("web storage", kept.At, kept.Storage)
}
