package useragent

import (
	"net/http"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// cookieLog sees the attributes of cookies, which a jar does not give back.
type cookieLog struct {
	http.RoundTripper
	seen   map[string]transcript.Cookie
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
		l.seen[c.Name] = transcript.Cookie{
			Name: pages.Tidy(c.Name, pages.MaxLabel), Path: pages.Tidy(c.Path, pages.MaxLabel), Secure: c.Secure, HTTPOnly: c.HttpOnly,
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
