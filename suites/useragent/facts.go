package useragent

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html/atom"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Bounds on what is kept of a page's response.
const (
	maxHeader  = 4000
	maxForeign = 20
	maxCookies = 30
)

// protective are the response headers that protect a page.
var protective = []string{"Content-Security-Policy", "X-Frame-Options", "Cache-Control", "Referrer-Policy"}

// facts are what came with a page beside its content.
type facts struct {
	header  map[string]string
	foreign []transcript.Foreign
}

// protection picks the headers of interest. Several of one name are joined by
// commas, as in HTTP.
func protection(get func(name string) string) map[string]string {
	found := map[string]string{}
	for _, name := range protective {
		if value := tidy(get(name), maxHeader); value != "" {
			found[name] = value
		}
	}
	return found
}

// addForeign notes a request to another host than the page's own.
func addForeign(list []transcript.Foreign, page, to, referer string) []transcript.Foreign {
	own, err := url.Parse(page)
	if err != nil {
		return list
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == own.Host || len(list) >= maxForeign {
		return list
	}
	f := transcript.Foreign{Origin: u.Scheme + "://" + u.Host, Referer: tidy(referer, maxText)}
	if slices.Contains(list, f) {
		return list
	}
	return append(list, f)
}

// foreign lists the resources that a browser would load for the document.
func (d *document) foreign() (list []transcript.Foreign) {
	for n := range d.root.Descendants() {
		from := ""
		switch n.DataAtom {
		case atom.Script, atom.Img, atom.Iframe:
			from = attr(n, "src")
		case atom.Link:
			if rel := strings.ToLower(attr(n, "rel")); strings.Contains(rel, "stylesheet") || strings.Contains(rel, "icon") || strings.Contains(rel, "preload") {
				from = attr(n, "href")
			}
		}
		if u, err := d.base.Parse(from); from != "" && err == nil {
			list = addForeign(list, d.url.String(), u.String(), "")
		}
	}
	return list
}

// cookieWatch sees the attributes of cookies, which a jar does not give back.
type cookieWatch struct {
	http.RoundTripper
	seen   map[string]transcript.Cookie
	secret func(string)
}

func (w *cookieWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	for _, c := range resp.Cookies() {
		w.secret(c.Value)
		if c.MaxAge < 0 || c.Value == "" {
			delete(w.seen, c.Name)
			continue
		}
		if len(w.seen) >= maxCookies {
			break
		}
		w.seen[c.Name] = transcript.Cookie{
			Name: tidy(c.Name, maxLabel), Path: tidy(c.Path, maxLabel), Secure: c.Secure, HTTPOnly: c.HttpOnly,
			SameSite: sameSite(c.SameSite), Length: len(c.Value),
		}
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

func sortCookies(list []transcript.Cookie) []transcript.Cookie {
	slices.SortFunc(list, func(a, b transcript.Cookie) int {
		return strings.Compare(a.Name+" "+a.Path, b.Name+" "+b.Path)
	})
	return list[:min(len(list), maxCookies)]
}
