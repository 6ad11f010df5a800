package chromium

import (
	"testing"

	"github.com/chromedp/cdproto/network"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// sends and answers are what the browser tells of one request.
func sends(id, kind, address string, headers network.Headers) *network.EventRequestWillBeSent {
	return &network.EventRequestWillBeSent{RequestID: network.RequestID(id), LoaderID: "1", FrameID: "main", Type: network.ResourceType(kind),
		Request: &network.Request{URL: address, Method: "GET", Headers: headers}}
}

func answers(id, kind, address string, status int64) *network.EventResponseReceived {
	return &network.EventResponseReceived{RequestID: network.RequestID(id), LoaderID: "1", FrameID: "main", Type: network.ResourceType(kind),
		Response: &network.Response{URL: address, Status: status, Headers: network.Headers{"cache-control": "no-store"}}}
}

// TestTraffic: what a page still waits for, what it asked of others, and which
// status stands for it.
func TestTraffic(t *testing.T) {
	n := newTraffic(func(string) {})
	n.setMain("main")
	for _, ev := range []any{
		sends("1", "Document", "https://idp.test/device", nil), answers("1", "Document", "https://idp.test/device", 200),
		&network.EventLoadingFinished{RequestID: "1"},
		sends("2", "Image", "https://elsewhere.test/a.png", network.Headers{"Referer": "https://idp.test/device"}),
		sends("3", "XHR", "https://idp.test/api", network.Headers{"authorization": "Bearer x"}), answers("3", "XHR", "https://idp.test/api", 503),
	} {
		n.event(ev)
	}
	if started, open := n.counts(); started != 2 || open != 1 {
		t.Errorf("%d requests, %d of them open; a picture is none", started, open)
	}
	if status, failed := n.document(); status != 503 || failed != "" {
		t.Errorf("HTTP %d %s", status, failed)
	}
	facts := n.pageFacts()
	if len(facts.Foreign) != 1 || facts.Foreign[0] != (transcript.Foreign{Origin: "https://elsewhere.test", Referer: "https://idp.test/device"}) {
		t.Errorf("foreign: %+v", facts.Foreign)
	}
	if facts.Header["Cache-Control"] != "no-store" || !n.wasAuthorized() {
		t.Errorf("headers %v, authorized %t", facts.Header, n.wasAuthorized())
	}
	// The next page does not load: its address is known all the same.
	n.newAct()
	n.event(sends("4", "Document", "https://app.test/callback", nil))
	n.event(&network.EventLoadingFailed{RequestID: "4", ErrorText: "net::ERR_CONNECTION_REFUSED"})
	if status, failed := n.document(); status != 200 || failed != "net::ERR_CONNECTION_REFUSED" || n.lastAsked() != "https://app.test/callback" {
		t.Errorf("HTTP %d %s at %s", status, failed, n.lastAsked())
	}
}

// TestAimed: an attack is about one request, its redirects and its cookies.
func TestAimed(t *testing.T) {
	n := newTraffic(func(string) {})
	w := n.aim("GET", "https://idp.test/decide?x=1#top")
	blocked := &network.EventRequestWillBeSentExtraInfo{RequestID: "7", AssociatedCookies: []*network.AssociatedCookie{
		{Cookie: &network.Cookie{Name: "sid"}, BlockedReasons: []network.CookieBlockedReason{"SameSiteLax"}}, {Cookie: &network.Cookie{Name: "lang"}}}}
	for _, ev := range []any{
		sends("6", "Document", "https://idp.test/other", nil),
		blocked, // may come before its request
		sends("7", "Document", "https://idp.test/decide?x=1", nil),
		&network.EventLoadingFinished{RequestID: "6"},
	} {
		n.event(ev)
	}
	if w.over() {
		t.Error("over with another request")
	}
	redirected := sends("7", "Document", "https://idp.test/login", nil)
	redirected.RedirectResponse = &network.Response{Status: 302}
	n.event(redirected)
	n.event(answers("7", "Document", "https://idp.test/login", 200))
	n.event(&network.EventLoadingFailed{RequestID: "7", ErrorText: "net::ERR_BLOCKED_BY_RESPONSE", BlockedReason: "coep"})
	var a transcript.Attack
	w.report(&a)
	if !w.over() || !a.Delivered || a.Status != 302 || a.Blocked != "net::ERR_BLOCKED_BY_RESPONSE (coep)" {
		t.Errorf("over %t: %+v", w.over(), a)
	}
	if len(a.Cookies) != 1 || a.Cookies[0] != "lang" || len(a.Withheld) != 1 || a.Withheld[0] != "sid (SameSiteLax)" {
		t.Errorf("cookies %q, withheld %q", a.Cookies, a.Withheld)
	}
}
