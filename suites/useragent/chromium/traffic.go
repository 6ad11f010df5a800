package chromium

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/network"

	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// traffic follows the requests of a tab: what the main document answered, and
// whether the page still waits for something.
type traffic struct {
	secret   func(string)    // is told the values of cookies
	crash    context.Context // ends when the renderer dies
	crashNow context.CancelFunc

	mu      sync.Mutex
	main    cdp.FrameID
	started int
	open    map[network.RequestID]cdp.LoaderID
	status  int
	// worst is the worst server error that a script of the page got since the
	// last act: on a script application it stands for the document's status.
	worst  int
	failed string
	mainID network.RequestID
	// authorized: a request since forget had an Authorization header.
	authorized bool

	// watched sees what passes; body fetches the content of a response, and
	// urls are those of the requests under way.
	watched *useragent.Watch
	body    func(network.RequestID) ([]byte, error)
	urls    map[network.RequestID]string

	aimed *aimed // the request that an attack is about
	url   string // of the main document
	// asked is the address of the main document that was requested last; it may
	// not have come.
	asked string
	facts pages.Facts // of the main document
}

func newTraffic(secret func(string)) *traffic {
	t := &traffic{secret: secret, open: map[network.RequestID]cdp.LoaderID{}, urls: map[network.RequestID]string{}}
	t.crash, t.crashNow = context.WithCancel(context.Background())
	return t
}

// cookies tells the values of the cookies that an answer sets, one on each line.
func (t *traffic) cookies(lines string) {
	for line := range strings.Lines(lines) {
		if c, err := http.ParseSetCookie(strings.TrimSpace(line)); err == nil {
			t.secret(c.Value)
		}
	}
}

func (t *traffic) crashed() bool { return t.crash.Err() != nil }

func (t *traffic) setMain(id cdp.FrameID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.main = id
}

func (t *traffic) isMain(id cdp.FrameID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return id == t.main
}

// aim follows the next request of that method to that address.
func (t *traffic) aim(method, to string) *aimed {
	t.mu.Lock()
	defer t.mu.Unlock()
	to, _, _ = strings.Cut(to, "#")
	t.aimed = &aimed{traffic: t, method: method, url: to, extra: map[network.RequestID]*network.EventRequestWillBeSentExtraInfo{}}
	return t.aimed
}

func (t *traffic) unaim() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.aimed = nil
}

func (t *traffic) mainFrame() cdp.FrameID {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.main
}

// newAct forgets the errors of what was done before.
func (t *traffic) newAct() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.worst = 0
}

// forget begins anew to look for requests that are authenticated, although all
// cookies are gone.
func (t *traffic) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.authorized = false
}

func (t *traffic) wasAuthorized() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.authorized
}

func (t *traffic) counts() (started, open int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.started, len(t.open)
}

// headerOf finds a header; the browser joins several of one name by line ends.
func headerOf(headers network.Headers, name string) string {
	for n, value := range headers {
		if text, ok := value.(string); ok && strings.EqualFold(n, name) {
			return strings.ReplaceAll(text, "\n", ", ")
		}
	}
	return ""
}

func (t *traffic) pageFacts() pages.Facts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return pages.Facts{Header: t.facts.Header, Foreign: slices.Clone(t.facts.Foreign)}
}

// document is the HTTP status of the page, and why it failed to load.
func (t *traffic) document() (status int, failed string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.status, t.worst), t.failed
}

// lastAsked is the address of the last request for a page, whatever came of it.
func (t *traffic) lastAsked() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked
}

// matters picks what can change the page's question: not fonts and pictures.
func matters(kind network.ResourceType) bool {
	switch kind {
	case network.ResourceTypeDocument, network.ResourceTypeXHR, network.ResourceTypeFetch, network.ResourceTypeScript:
		return true
	}
	return false
}

// event takes in what the browser tells of the network.
func (t *traffic) event(ev any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watched != nil {
		t.show(ev)
	}
	t.aimed.event(ev)
	switch ev := ev.(type) {
	case *network.EventResponseReceivedExtraInfo:
		t.cookies(headerOf(ev.Headers, "Set-Cookie"))
	case *network.EventRequestWillBeSent:
		t.sent(ev)
	case *network.EventResponseReceived:
		t.answered(ev)
	case *network.EventLoadingFinished:
		delete(t.open, ev.RequestID)
	case *network.EventLoadingFailed:
		delete(t.open, ev.RequestID)
		if ev.RequestID == t.mainID {
			t.failed = ev.ErrorText
		}
	case *inspector.EventTargetCrashed:
		t.crashNow()
	}
}

// sent notes a request. The caller holds the lock.
func (t *traffic) sent(ev *network.EventRequestWillBeSent) {
	main := ev.Type == network.ResourceTypeDocument && ev.FrameID == t.main
	if ev.Request != nil {
		for name := range ev.Request.Headers {
			t.authorized = t.authorized || strings.EqualFold(name, "Authorization")
		}
		if !main {
			t.facts.Asked(t.url, ev.Request.URL, headerOf(ev.Request.Headers, "Referer"))
		}
	}
	if !matters(ev.Type) {
		return
	}
	if _, known := t.open[ev.RequestID]; !known {
		t.started++
	}
	t.open[ev.RequestID] = ev.LoaderID
	if main {
		t.mainID, t.failed = ev.RequestID, ""
		if ev.Request != nil {
			t.asked = ev.Request.URL
		}
	}
}

// answered notes a response: that of the main document begins a new page. The
// caller holds the lock.
func (t *traffic) answered(ev *network.EventResponseReceived) {
	switch {
	case ev.Response == nil:
	case ev.Type == network.ResourceTypeDocument && ev.FrameID == t.main:
		t.status, t.worst = int(ev.Response.Status), 0
		t.url = ev.Response.URL
		t.facts = pages.FactsOf(func(name string) string { return headerOf(ev.Response.Headers, name) })
		for id, loader := range t.open { // what the old page asked for is moot
			if loader != ev.LoaderID {
				delete(t.open, id)
			}
		}
	case (ev.Type == network.ResourceTypeXHR || ev.Type == network.ResourceTypeFetch) && ev.Response.Status >= 500:
		t.worst = max(t.worst, int(ev.Response.Status))
	}
}
