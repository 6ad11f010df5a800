package chromium

import (
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/network"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// aimed is the one request that an attack is about. It is guarded by its
// traffic's lock.
type aimed struct {
	traffic     *traffic
	method, url string

	id     network.RequestID
	status int
	failed string
	done   bool
	// extra may come before the request it belongs to.
	extra map[network.RequestID]*network.EventRequestWillBeSentExtraInfo
}

// maxExtra bounds the events that wait for their request.
const maxExtra = 200

// event takes in what the browser tells of the network; nil: it is about nothing.
func (w *aimed) event(ev any) {
	if w == nil {
		return
	}
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		w.sent(ev)
	case *network.EventRequestWillBeSentExtraInfo:
		if _, known := w.extra[ev.RequestID]; !known && len(w.extra) < maxExtra {
			w.extra[ev.RequestID] = ev // of several, the first: later ones are redirects
		}
	case *network.EventResponseReceived:
		if w.is(ev.RequestID) && ev.Response != nil && w.status == 0 {
			w.status = int(ev.Response.Status)
		}
	case *network.EventLoadingFinished:
		w.done = w.done || w.is(ev.RequestID)
	case *network.EventLoadingFailed:
		if w.is(ev.RequestID) {
			w.done, w.failed = true, reasonsOf(ev)
		}
	}
}

// is says that the request with that number is the one.
func (w *aimed) is(id network.RequestID) bool { return w.id != "" && id == w.id }

// sent knows the request by its method and address, once. A later request of its
// number is a redirect of it.
func (w *aimed) sent(ev *network.EventRequestWillBeSent) {
	switch {
	case ev.Request == nil:
	case w.id == "" && ev.Request.Method == w.method && ev.Request.URL == w.url:
		w.id = ev.RequestID
	case ev.RequestID == w.id && ev.RedirectResponse != nil && w.status == 0:
		w.status = int(ev.RedirectResponse.Status)
	}
}

// reasonsOf words why a request failed.
func reasonsOf(ev *network.EventLoadingFailed) string {
	why := ev.ErrorText
	if ev.BlockedReason != "" {
		why += " (" + string(ev.BlockedReason) + ")"
	}
	if ev.CorsErrorStatus != nil {
		why += " (" + string(ev.CorsErrorStatus.CorsError) + ")"
	}
	return why
}

// over says that the request was answered, or will not be.
func (w *aimed) over() bool {
	w.traffic.mu.Lock()
	defer w.traffic.mu.Unlock()
	return w.done
}

// report fills in what became of the request.
func (w *aimed) report(a *transcript.Attack) {
	w.traffic.mu.Lock()
	defer w.traffic.mu.Unlock()
	extra := w.extra[w.id]
	// The extra information tells that it went over the wire. A response that
	// is thrown away, because it must not be framed, was sent for.
	a.Delivered = w.id != "" && (extra != nil || w.status != 0)
	a.Status, a.Blocked = w.status, pages.Tidy(w.failed, pages.MaxLabel)
	if extra == nil {
		return
	}
	for _, c := range extra.AssociatedCookies {
		if c == nil || c.Cookie == nil || len(a.Cookies)+len(a.Withheld) >= pages.MaxCookies {
			continue
		}
		name := pages.Tidy(c.Cookie.Name, pages.MaxLabel)
		if len(c.BlockedReasons) == 0 {
			a.Cookies = append(a.Cookies, name)
			continue
		}
		var why []string
		for _, r := range c.BlockedReasons {
			why = append(why, string(r))
		}
		a.Withheld = append(a.Withheld, fmt.Sprintf("%s (%s)", name, strings.Join(why, ", ")))
	}
}
