package useragent

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
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
		w.search("request URL", at, at)
		w.headers("request", at, plain(ev.Request.Headers))
		for _, part := range ev.Request.PostDataEntries {
			if part != nil {
				w.search("request body", at, string(part.Bytes))
			}
		}
		if ev.RedirectResponse != nil {
			w.headers("response", ev.RedirectResponse.URL, plain(ev.RedirectResponse.Headers))
		}
	case *network.EventRequestWillBeSentExtraInfo:
		w.headers("request", t.urls[ev.RequestID], plain(ev.Headers))
	case *network.EventResponseReceived:
		if ev.Response != nil {
			w.headers("response", ev.Response.URL, plain(ev.Response.Headers))
		}
	case *network.EventResponseReceivedExtraInfo:
		w.headers("response", t.urls[ev.RequestID], plain(ev.Headers))
	case *network.EventLoadingFinished:
		at, known := t.urls[ev.RequestID]
		_, wanted := t.open[ev.RequestID]
		if !known || !wanted || ev.EncodedDataLength > maxBody {
			return
		}
		fetch := t.body
		w.aside(func() {
			if body, err := fetch(ev.RequestID); err == nil {
				w.search("response body", at, string(body[:min(len(body), maxBody)]))
			}
		})
	}
}

func plain(headers network.Headers) http.Header {
	h := make(http.Header, len(headers))
	for name, value := range headers {
		h[name] = []string{fmt.Sprint(value)}
	}
	return h
}

func (t *traffic) setWatch(w *watch, body func(network.RequestID) ([]byte, error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watched, t.body = w, body
	clear(t.urls)
}

func (t *browserTab) watch(w *watch) {
	if t.net == nil {
		return
	}
	tab := t.ctx
	t.net.setWatch(w, func(id network.RequestID) ([]byte, error) {
		ctx, cancel := context.WithTimeout(tab, 2*time.Second)
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

func (t *browserTab) inspect(ctx context.Context, w *watch) {
	if w == nil {
		return
	}
	var kept struct{ At, Page, Storage string }
	err := t.do(ctx, func(c context.Context) (err error) {
		kept, err = evaluate[struct{ At, Page, Storage string }](c, t.net.mainFrame(), fmt.Sprintf(keptJS, maxBody, maxBody))
		return err
	})
	if err != nil {
		return // the page is gone already; its answers were seen
	}
	w.search("page", kept.At, kept.Page)
	w.search("web storage", kept.At, kept.Storage)
}
