package chromium

import (
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
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	nethtml "golang.org/x/net/html"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// agent is an end user's browser, which can be attacked.
type agent struct {
	*useragent.TabAgent
	tab *tab
}

var (
	_ useragent.Attacker = (*agent)(nil)
	_ useragent.Preparer = (*agent)(nil)
	_ useragent.Errander = (*chrome)(nil)
)

const (
	// holdLimit is how long a pressed button may take to send its request, and
	// attackLimit how long an attack may take to show its effect.
	holdLimit   = 3 * time.Second
	attackLimit = 8 * time.Second
	// lookEvery is how often a page is looked at meanwhile, and restLimit how long it
	// may take to come to rest.
	lookEvery = 15 * time.Millisecond
	restLimit = 1200 * time.Millisecond
)

// Replay implements useragent.Attacker.
func (s *agent) Replay(ctx context.Context, name string, r useragent.Request, origin string) transcript.Attack {
	found := transcript.Attack{Name: name, Method: r.Method, URL: pages.Tidy(r.URL, pages.MaxText)}
	ctx, cancel := s.Step(ctx, 0)
	defer cancel()
	sent := map[string]string{"Origin": origin, "Referer": origin + "/"}
	if r.ContentType != "" {
		sent["Content-Type"] = r.ContentType
	}
	for name, value := range r.Header {
		sent[name] = value
	}
	status, cookies, err := s.tab.sendOutside(ctx, r.Method, r.URL, r.Body, sent)
	found.Status, found.Cookies = status, cookies
	if err != nil {
		found.Trouble = useragent.CauseOf(err)
		return found
	}
	found.Delivered = true
	return found
}

// CrossSite implements useragent.Attacker.
func (s *agent) CrossSite(ctx context.Context, name string, r useragent.Request) transcript.Attack {
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
	found := s.hostile(ctx, name, r.Method, r.URL, body)
	if found.Trouble == "" && !found.Delivered && found.Blocked == "" {
		found.Trouble = "the browser did not send the request"
	}
	return found
}

// Frame implements useragent.Attacker.
func (s *agent) Frame(ctx context.Context, name, address string) transcript.Attack {
	body := fmt.Sprintf(`<h1>Win a prize</h1><iframe src="%s" width="900" height="600"></iframe>`, html.EscapeString(address))
	found := s.hostile(ctx, name, http.MethodGet, address, body)
	if frames := s.tab.frames(ctx); len(frames) > 0 {
		found.Ended = pages.Tidy(frames[0], pages.MaxText)
	}
	if found.Delivered && found.Blocked == "" {
		found.Seen = []string{"rendered in a frame"}
	}
	return found
}

// hostile opens a page of the hostile site and follows what becomes of the
// request that it makes.
func (s *agent) hostile(ctx context.Context, name, method, target, body string) transcript.Attack {
	found := transcript.Attack{Name: name, Method: method, URL: pages.Tidy(target, pages.MaxText)}
	trouble := func(err error) transcript.Attack {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		found.Trouble = useragent.CauseOf(err)
		return found
	}
	leave, err := s.TakePlace(ctx, time.Time{})
	if err != nil {
		return trouble(err)
	}
	defer leave()
	ctx, cancel := s.Step(ctx, attackLimit)
	defer cancel()
	if err := s.tab.Ready(ctx, target); err != nil {
		return trouble(err)
	}
	site, err := s.tab.driver.hostileSite()
	if err != nil {
		return trouble(err)
	}
	found.From = site.page(target, body)
	aimed := s.tab.net.aim(method, target)
	defer s.tab.net.unaim()
	if err := s.tab.Open(ctx, found.From); err != nil {
		return trouble(err)
	}
	for start := time.Now(); !aimed.over() && time.Since(start) < attackLimit && ctx.Err() == nil; {
		sleep(ctx, lookEvery)
	}
	// The page that comes of it may go on by itself.
	sleep(ctx, 10*lookEvery)
	aimed.report(&found)
	found.Ended = s.tab.where(ctx)
	return found
}

// where tells the address of the open page.
func (t *tab) where(ctx context.Context) string {
	at := ""
	_ = t.do(ctx, func(c context.Context) (err error) {
		at, err = chromedp.Run(c, chromedp.Evaluate[string]("location.href"))
		return err
	})
	return pages.Tidy(at, pages.MaxText)
}

// frames lists the addresses of the page's frames.
func (t *tab) frames(ctx context.Context) (list []string) {
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

// Inject implements useragent.Attacker.
func (s *agent) Inject(ctx context.Context, name, address string, mark useragent.Mark) transcript.Attack {
	found := transcript.Attack{Name: name, Method: http.MethodGet, URL: pages.Tidy(address, pages.MaxText)}
	leave, err := s.TakePlace(ctx, time.Time{})
	if err != nil {
		found.Trouble = useragent.CauseOf(err)
		return found
	}
	defer leave()
	ctx, cancel := s.Step(ctx, 0)
	defer cancel()
	var snap *pages.Snapshot
	if err = s.tab.Ready(ctx, address); err == nil {
		if err = s.tab.Open(ctx, address); err == nil {
			snap, err = s.tab.rest(ctx)
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		found.Trouble = useragent.CauseOf(err)
		return found
	}
	found.Delivered, found.Status, found.Ended = true, snap.Status, snap.URL
	found.Seen, found.Shown = s.Search(ctx, mark)
	return found
}

// rest waits until the page has loaded and its scripts had a moment.
func (t *tab) rest(ctx context.Context) (*pages.Snapshot, error) {
	for start := time.Now(); ; sleep(ctx, lookEvery) {
		snap, err := t.Look(ctx)
		_, open := t.net.counts()
		switch {
		case err == useragent.ErrMoving && ctx.Err() == nil:
		case err != nil:
			return nil, err
		case snap.Ready == "complete" && open == 0 && time.Since(start) > 5*lookEvery, time.Since(start) > restLimit:
			return snap, nil
		}
	}
}

// Search implements useragent.Attacker.
func (s *agent) Search(ctx context.Context, mark useragent.Mark) (seen []string, shown bool) {
	ran := false
	_ = s.tab.do(ctx, func(c context.Context) (err error) {
		ran, err = chromedp.Run(c, chromedp.Evaluate[bool](call(`(name) => window[name] !== undefined`, mark.Name)))
		return err
	})
	if ran {
		seen = append(seen, "a script ran")
	}
	source := s.tab.HTML(ctx)
	root, err := nethtml.Parse(strings.NewReader(source))
	if err != nil {
		return seen, false
	}
	element, attribute := false, false
	for n := range root.Descendants() {
		element = element || n.Type == nethtml.ElementNode && n.Data == mark.Name
		attribute = attribute || slices.ContainsFunc(n.Attr, func(a nethtml.Attribute) bool { return a.Namespace == "" && a.Key == mark.Name })
	}
	if element {
		seen = append(seen, "the page contains the injected element")
	}
	if attribute {
		seen = append(seen, "the page contains the injected attribute")
	}
	snap := useragent.SnapshotOf(source, &url.URL{}, 0, nil)
	if mark.Sum != "" && strings.Contains(snap.Text, mark.Sum) {
		seen = append(seen, "the server evaluated the injected template")
	}
	// What was typed is no part of the source: a field has it where the server
	// put it there.
	shown = strings.Contains(snap.Text, mark.Name) || slices.ContainsFunc(snap.Elements, func(e pages.Element) bool {
		return e.Kind == pages.TextField && strings.Contains(e.Value, mark.Name)
	})
	return seen, shown
}

// Lure implements useragent.Attacker.
func (s *agent) Lure(near, path string) (string, error) {
	site, err := s.tab.driver.hostileSite()
	if err != nil {
		return "", err
	}
	return site.origin(near) + landing + path, nil
}

// Landed implements useragent.Attacker.
func (s *agent) Landed(path string) []string {
	site, err := s.tab.driver.hostileSite()
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
