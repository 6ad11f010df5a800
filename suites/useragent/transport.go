package useragent

import (
	"io"
	"net/http"
	"strings"

	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// cookieLog sees the attributes of cookies, which a jar does not give back.
type cookieLog struct {
	http.RoundTripper
	seen   map[string]*http.Cookie
	secret func(string)
}

func (l *cookieLog) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	for _, c := range resp.Cookies() {
		l.secret(c.Value)
		if c.MaxAge < 0 || c.Value == "" {
			delete(l.seen, c.Name)
			continue
		}
		if len(l.seen) >= pages.MaxCookies {
			break
		}
		l.seen[c.Name] = c
	}
	return resp, nil
}

func sameSite(mode http.SameSite) string {
	switch mode {
	case http.SameSiteStrictMode:
		return "Strict"
	case http.SameSiteLaxMode:
		return "Lax"
	case http.SameSiteNoneMode:
		return "None"
	}
	return ""
}

// watchedTransport shows the forms driver's exchanges to the watch of the
// journey under way, redirects included.
type watchedTransport struct {
	http.RoundTripper
	tab *formsTab
}

func (t watchedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := t.tab.watched
	if w == nil {
		return t.RoundTripper.RoundTrip(r)
	}
	at := r.URL.String()
	w.Search("request URL", at, at)
	w.Headers("request", at, r.Header)
	if r.GetBody != nil {
		if body, err := r.GetBody(); err == nil {
			w.Search("request body", at, readSome(body))
		}
	}
	resp, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	w.Headers("response", at, resp.Header)
	body := readSome(resp.Body)
	w.Search("response body", at, body)
	// What is left of a long body, or its error, follows what was read.
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader(body), resp.Body), resp.Body}
	return resp, nil
}

func readSome(r io.Reader) string {
	content, _ := io.ReadAll(io.LimitReader(r, MaxBody))
	return string(content)
}
