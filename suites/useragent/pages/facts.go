package pages

import (
	"cmp"
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
var protective = []string{"Content-Security-Policy", "X-Frame-Options", "Cache-Control", "Referrer-Policy", "Retry-After", challenge}

const challenge = "WWW-Authenticate"

// AsksBrowser names the HTTP authentication with which a page asks the browser
// itself for a password, "" if it does not.
func (f Facts) AsksBrowser() string {
	for one := range strings.SplitSeq(f.Header[challenge], ",") {
		scheme, _, _ := strings.Cut(strings.TrimSpace(one), " ")
		for _, known := range []string{"Basic", "Digest", "Negotiate", "NTLM"} {
			if strings.EqualFold(scheme, known) {
				return known
			}
		}
	}
	return ""
}

// Facts are what came with a page besides its content.
type Facts struct {
	// Header has the response headers that protect a page, by name.
	Header map[string]string
	// Foreign are the other hosts that the page sent the browser to.
	Foreign []transcript.Foreign
}

// FactsOf picks the interesting headers from a response. Several with one name
// are joined by commas, as in HTTP; get returns "" for a missing header.
func FactsOf(get func(name string) string) Facts {
	found := map[string]string{}
	for _, name := range protective {
		if value := Tidy(get(name), maxHeader); value != "" {
			found[name] = value
		}
	}
	return Facts{Header: found}
}

// Asked records a request that the page caused, with its Referer, if it went to
// another host than the page's own.
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

// HiddenValues are what stood in the hidden fields of pages, with the name of the
// first field of each.
type HiddenValues map[string]string

// leastSecret is the length from which a value may be a secret, and maxHidden bounds
// how many are kept of a visit.
const leastSecret, maxHidden = 16, 500

// Add notes those of a page that may be secrets.
func (h HiddenValues) Add(s *Snapshot) {
	for i := range s.Elements {
		e := &s.Elements[i]
		if _, known := h[e.Value]; e.Kind == Hidden && len(e.Value) >= leastSecret && !known && len(h) < maxHidden {
			h[e.Value] = cmp.Or(e.Name, e.ID, "nameless")
		}
	}
}

// Of is the field that had the value of a cookie, "" for none.
func (h HiddenValues) Of(cookie string) string {
	if plain, err := url.PathUnescape(cookie); err == nil && h[plain] != "" {
		return h[plain]
	}
	return h[cookie]
}

// SortCookies orders cookies by name and path, and drops those beyond MaxCookies.
func SortCookies(list []transcript.Cookie) []transcript.Cookie {
	slices.SortFunc(list, func(a, b transcript.Cookie) int {
		return strings.Compare(a.Name+" "+a.Path, b.Name+" "+b.Path)
	})
	return list[:min(len(list), MaxCookies)]
}
