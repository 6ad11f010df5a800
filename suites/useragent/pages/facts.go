package pages

import (
	"net/url"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Bounds on what is kept of a page's response.
const (
	maxHeader  = 4000
	maxForeign = 20
	// MaxCookies is how many cookies are kept of a page.
	MaxCookies = 30
)

// protective are the response headers that protect a page.
var protective = []string{"Content-Security-Policy", "X-Frame-Options", "Cache-Control", "Referrer-Policy"}

// Facts are what came with a page beside its content.
type Facts struct {
	// Header holds the response headers that protect a page, by their names.
	Header map[string]string
	// Foreign are the other hosts that the page had the browser ask.
	Foreign []transcript.Foreign
}

// FactsOf picks the headers of interest from a response. Several of one name
// are joined by commas, as in HTTP; get answers "" for a header that is not there.
func FactsOf(get func(name string) string) Facts {
	found := map[string]string{}
	for _, name := range protective {
		if value := Tidy(get(name), maxHeader); value != "" {
			found[name] = value
		}
	}
	return Facts{Header: found}
}

// Asked notes a request that the page caused, with the Referer that it had, if
// it went to another host than the page's own.
func (f *Facts) Asked(page, to, referer string) {
	own, err := url.Parse(page)
	if err != nil {
		return
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == own.Host || len(f.Foreign) >= maxForeign {
		return
	}
	next := transcript.Foreign{Origin: u.Scheme + "://" + u.Host, Referer: Tidy(referer, MaxText)}
	if !slices.Contains(f.Foreign, next) {
		f.Foreign = append(f.Foreign, next)
	}
}

// SortCookies orders cookies by name and path, and drops those beyond MaxCookies.
func SortCookies(list []transcript.Cookie) []transcript.Cookie {
	slices.SortFunc(list, func(a, b transcript.Cookie) int {
		return strings.Compare(a.Name+" "+a.Path, b.Name+" "+b.Path)
	})
	return list[:min(len(list), MaxCookies)]
}
