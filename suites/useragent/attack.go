package useragent

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	nethtml "golang.org/x/net/html"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// Attacker is a Session that can be attacked: by hostile pages in the person's
// own browser, with the person's cookies. Only a real browser's can, because
// what a browser refuses to do for a hostile page is half of the defence.
// The hostile pages come from a site of another name than the target's.
type Attacker interface {
	Session
	// Hold presses approve on the decision page that the last journey ended
	// at, and returns the request that this made. It is not sent.
	Hold(ctx context.Context) (Request, error)
	// Replay sends a request outside of the browser, with its cookies and the
	// given Origin.
	Replay(ctx context.Context, name string, r Request, origin string) transcript.Attack
	// CrossSite opens a hostile page which sends the request at once.
	CrossSite(ctx context.Context, name string, r Request) transcript.Attack
	// Frame opens a hostile page with the address in a frame.
	Frame(ctx context.Context, name, address string) transcript.Attack
	// Inject opens an address that carries a payload, and then searches the page.
	Inject(ctx context.Context, name, address string, mark Mark) transcript.Attack
	// Search looks in the open page for what a payload left there.
	Search(ctx context.Context, mark Mark) []string
	// Lure is an address on the hostile site, to which a page near the given
	// address must not send a browser. Landed says which were visited.
	Lure(near, path string) (string, error)
	Landed(path string) []string
}

// Request is one that a page would send, or somebody who forges it.
type Request struct {
	Method, URL, ContentType, Body string
	// Header holds what a script of the page added.
	Header map[string]string
}

// Form says that a browser sends such a body for a plain form.
func (r Request) Form() bool {
	media, _, _ := strings.Cut(r.ContentType, ";")
	return r.Method == http.MethodPost && strings.TrimSpace(media) == "application/x-www-form-urlencoded"
}

// attacked is a browser's session.
type attacked struct {
	*session
	browser *browserTab
}

const (
	// holdLimit is how long a pressed button may take to send its request,
	// attackLimit how long an attack may take to show its effect.
	holdLimit   = 3 * time.Second
	attackLimit = 8 * time.Second
)

// Hold implements Attacker.
func (a *attacked) Hold(ctx context.Context) (Request, error) {
	leave, err := a.enter(ctx, time.Time{})
	if err != nil {
		return Request{}, err
	}
	defer leave()
	snap, err := a.browser.look(ctx)
	if err != nil {
		return Request{}, err
	}
	p := a.recogniser.Recognise(snap, "")
	acts := p.Plan(pages.Approve, false)
	if !p.AsksForDecision() || len(acts) == 0 {
		return Request{}, fmt.Errorf("the page asks for no decision (%s)", cmp.Or(p.Role, "not recognised"))
	}
	held, release, err := a.browser.hold(ctx)
	defer release()
	if err != nil {
		return Request{}, err
	}
	v := &visit{session: a.session, j: &transcript.Journey{}, values: map[string]string{}, seen: map[string]int{}}
	if _, _, end := v.perform(ctx, p, acts, &transcript.Step{}); end.trouble != nil {
		return Request{}, end.trouble
	}
	timer := time.NewTimer(holdLimit)
	defer timer.Stop()
	select {
	case r := <-held:
		return r, nil
	case <-timer.C:
		return Request{}, fmt.Errorf("pressing approve sent no request within %s", holdLimit)
	case <-ctx.Done():
		return Request{}, context.Cause(ctx)
	}
}

// hold stops the next request that could change something, and answers what it was.
func (t *browserTab) hold(ctx context.Context) (held <-chan Request, release func(), err error) {
	caught := make(chan Request, 1)
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
func (t *browserTab) paused(tab context.Context, net *traffic, ev *fetch.EventRequestPaused) {
	ctx, cancel := context.WithTimeout(tab, 5*time.Second)
	defer cancel()
	held := t.holding.Load()
	r := ev.Request
	reads := r == nil || r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	page := ev.ResourceType == network.ResourceTypeDocument && net.isMain(ev.FrameID)
	if held == nil || reads && !page {
		_, _ = chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
		return
	}
	caught := Request{Method: r.Method, URL: r.URL, ContentType: headerOf(r.Headers, "Content-Type"), Header: map[string]string{}}
	for _, part := range r.PostDataEntries {
		if len(caught.Body)+len(part.Bytes) <= maxBody {
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

// Replay implements Attacker.
func (a *attacked) Replay(ctx context.Context, name string, r Request, origin string) transcript.Attack {
	found := transcript.Attack{Name: name, Method: r.Method, URL: pages.Tidy(r.URL, pages.MaxText)}
	ctx, cancel := a.within(ctx, a.limits.Step, errStep)
	defer cancel()
	sent := map[string]string{"Origin": origin, "Referer": origin + "/"}
	if r.ContentType != "" {
		sent["Content-Type"] = r.ContentType
	}
	for name, value := range r.Header {
		sent[name] = value
	}
	status, cookies, err := a.browser.sendPlain(ctx, r.Method, r.URL, r.Body, sent)
	found.Status, found.Cookies = status, cookies
	if err != nil {
		_, found.Trouble = classOf(err)
		return found
	}
	found.Delivered = true
	return found
}

// CrossSite implements Attacker.
func (a *attacked) CrossSite(ctx context.Context, name string, r Request) transcript.Attack {
	body := ""
	switch {
	case r.Method == http.MethodGet:
		body = script(`location.assign(%s)`, r.URL)
	case r.Form():
		var fields strings.Builder
		for pair := range strings.SplitSeq(r.Body, "&") {
			n, v, _ := strings.Cut(pair, "=")
			n, _ = url.QueryUnescape(n)
			v, _ = url.QueryUnescape(v)
			fmt.Fprintf(&fields, `<input type="hidden" name="%s" value="%s">`, html.EscapeString(n), html.EscapeString(v))
		}
		body = fmt.Sprintf(`<form method="post" action="%s">%s</form>`, html.EscapeString(r.URL), fields.String()) +
			// Not form.submit(): a field may have that name.
			`<script>HTMLFormElement.prototype.submit.call(document.forms[0])</script>`
	case r.Method == http.MethodPost:
		body = script(`fetch(%s, {method: "POST", mode: "no-cors", credentials: "include", body: %s})`, r.URL, r.Body)
	default:
		body = script(`fetch(%s, {method: %s, credentials: "include", body: %s})`, r.URL, r.Method, r.Body)
	}
	found := a.hostile(ctx, name, r.Method, r.URL, body)
	if found.Trouble == "" && !found.Delivered && found.Blocked == "" {
		found.Trouble = "the request did not leave the browser"
	}
	return found
}

// Frame implements Attacker.
func (a *attacked) Frame(ctx context.Context, name, address string) transcript.Attack {
	body := fmt.Sprintf(`<h1>Win a prize</h1><iframe src="%s" width="900" height="600"></iframe>`, html.EscapeString(address))
	found := a.hostile(ctx, name, http.MethodGet, address, body)
	if frames := a.browser.frames(ctx); len(frames) > 0 {
		found.Ended = pages.Tidy(frames[0], pages.MaxText)
	}
	if found.Delivered && found.Blocked == "" {
		found.Seen = []string{"rendered in a frame"}
	}
	return found
}

// hostile opens a page of the hostile site and follows what becomes of the
// request that it makes.
func (a *attacked) hostile(ctx context.Context, name, method, target, body string) transcript.Attack {
	found := transcript.Attack{Name: name, Method: method, URL: pages.Tidy(target, pages.MaxText)}
	trouble := func(err error) transcript.Attack {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		_, found.Trouble = classOf(err)
		return found
	}
	leave, err := a.enter(ctx, time.Time{})
	if err != nil {
		return trouble(err)
	}
	defer leave()
	ctx, cancel := a.within(ctx, a.limits.Step+attackLimit, errStep)
	defer cancel()
	if err := a.ready(ctx, target); err != nil {
		return trouble(err)
	}
	site, err := a.browser.driver.hostileSite()
	if err != nil {
		return trouble(err)
	}
	found.From = site.page(target, body)
	aimed := a.browser.net.aim(method, target)
	defer a.browser.net.unaim()
	if err := a.browser.open(ctx, found.From); err != nil {
		return trouble(err)
	}
	for start := time.Now(); !aimed.over() && time.Since(start) < attackLimit && ctx.Err() == nil; {
		sleep(ctx, lookEvery)
	}
	// The page that comes of it may go on by itself.
	sleep(ctx, 10*lookEvery)
	aimed.report(&found)
	found.Ended = a.browser.where(ctx)
	return found
}

// where tells the address of the open page.
func (t *browserTab) where(ctx context.Context) string {
	at := ""
	_ = t.do(ctx, func(c context.Context) (err error) {
		at, err = chromedp.Run(c, chromedp.Evaluate[string]("location.href"))
		return err
	})
	return pages.Tidy(at, pages.MaxText)
}

// frames lists the addresses of the page's frames.
func (t *browserTab) frames(ctx context.Context) (list []string) {
	_ = t.do(ctx, func(c context.Context) error {
		got, err := chromedp.Call(c, page.GetFrameTree, cdp.Empty{})
		if err == nil && got.FrameTree != nil {
			for _, f := range got.FrameTree.ChildFrames {
				list = append(list, f.Frame.URL)
			}
		}
		return err
	})
	return list
}

// Mark is how an attack recognises its own payload in a page: an element of
// this name, an attribute of this name, a global variable of this name, and
// the value of a sum that a template engine worked out.
type Mark struct{ Name, Sum string }

// Inject implements Attacker.
func (a *attacked) Inject(ctx context.Context, name, address string, mark Mark) transcript.Attack {
	found := transcript.Attack{Name: name, Method: http.MethodGet, URL: pages.Tidy(address, pages.MaxText)}
	leave, err := a.enter(ctx, time.Time{})
	if err != nil {
		_, found.Trouble = classOf(err)
		return found
	}
	defer leave()
	ctx, cancel := a.within(ctx, a.limits.Step, errStep)
	defer cancel()
	var snap *pages.Snapshot
	if err = a.ready(ctx, address); err == nil {
		if err = a.browser.open(ctx, address); err == nil {
			snap, err = a.browser.rest(ctx)
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		_, found.Trouble = classOf(err)
		return found
	}
	found.Delivered, found.Status, found.Ended = true, snap.Status, snap.URL
	found.Seen = a.Search(ctx, mark)
	return found
}

// rest waits until the page has loaded and its scripts had a moment.
func (t *browserTab) rest(ctx context.Context) (*pages.Snapshot, error) {
	for start := time.Now(); ; sleep(ctx, lookEvery) {
		snap, err := t.look(ctx)
		_, open := t.net.counts()
		switch {
		case err == errMoving && ctx.Err() == nil:
		case err != nil:
			return nil, err
		case snap.Ready == "complete" && open == 0 && time.Since(start) > 5*lookEvery, time.Since(start) > quietBusy:
			return snap, nil
		}
	}
}

// Search implements Attacker.
func (a *attacked) Search(ctx context.Context, mark Mark) (seen []string) {
	ran := false
	_ = a.browser.do(ctx, func(c context.Context) (err error) {
		ran, err = chromedp.Run(c, chromedp.Evaluate[bool](call(`(name) => window[name] !== undefined`, mark.Name)))
		return err
	})
	if ran {
		seen = append(seen, "a script ran")
	}
	root, err := nethtml.Parse(strings.NewReader(a.browser.html(ctx)))
	if err != nil {
		return seen
	}
	element, attribute := false, false
	for n := range root.Descendants() {
		element = element || n.Type == nethtml.ElementNode && n.Data == mark.Name
		attribute = attribute || has(n, mark.Name)
	}
	if element {
		seen = append(seen, "an element of ours is in the page")
	}
	if attribute {
		seen = append(seen, "an attribute of ours is in the page")
	}
	if mark.Sum != "" && strings.Contains(textOf(root), mark.Sum) {
		seen = append(seen, "a template of ours was worked out")
	}
	return seen
}

// Lure implements Attacker.
func (a *attacked) Lure(near, path string) (string, error) {
	site, err := a.browser.driver.hostileSite()
	if err != nil {
		return "", err
	}
	return site.origin(near) + landing + path, nil
}

// Landed implements Attacker.
func (a *attacked) Landed(path string) []string {
	site, err := a.browser.driver.hostileSite()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(site.visits(), func(p string) bool { return !strings.HasPrefix(p, path) })
}

func script(format string, args ...string) string {
	quoted := make([]any, len(args))
	for i, a := range args {
		// JSON escapes what could end the script.
		raw, _ := json.Marshal(a)
		quoted[i] = string(raw)
	}
	return "<script>" + fmt.Sprintf(format, quoted...) + "</script>"
}
