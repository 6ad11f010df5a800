package useragent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html/charset"
	"golang.org/x/net/publicsuffix"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// agent names the forms driver to servers and their firewalls.
const agent = "Mozilla/5.0 (compatible; devicegrant forms)"

// formsTab is one cookie jar and the document that it last got.
type formsTab struct {
	driver *Forms
	client http.Client
	page   *document
	header http.Header // of the page
	baked  *cookieLog
	serial int
	// watched sees every exchange of the journey under way.
	watched *Watch
}

func (t *formsTab) Ready(context.Context, string) error { return nil }
func (t *formsTab) Early(context.Context) error         { return nil }
func (t *formsTab) Live() bool                          { return false }
func (t *formsTab) Traffic() (started, open int)        { return 0, 0 }
func (t *formsTab) Screenshot(context.Context) []byte   { return nil }
func (t *formsTab) Close() error                        { return nil }
func (t *formsTab) Watch(w *Watch)                      { t.watched = w }
func (t *formsTab) Inspect(context.Context, *Watch)     {} // the page is what was sent
func (t *formsTab) Open(ctx context.Context, to string) error {
	return t.navigate(ctx, http.MethodGet, to, nil, "")
}

func (t *formsTab) HTML(context.Context) string {
	if t.page == nil {
		return ""
	}
	return t.page.source
}

func (t *formsTab) Facts() pages.Facts {
	if t.page == nil {
		return pages.Facts{}
	}
	joined := func(name string) string { return strings.Join(t.header.Values(name), ", ") }
	facts := pages.FactsOf(joined)
	t.page.noteForeign(&facts)
	return facts
}

func (t *formsTab) Cookies(_ context.Context, hidden pages.HiddenValues) []transcript.Cookie {
	var list []transcript.Cookie
	for _, c := range t.baked.seen {
		list = append(list, transcript.Cookie{
			Name: pages.Tidy(c.Name, pages.MaxLabel), Path: pages.Tidy(c.Path, pages.MaxLabel), Secure: c.Secure, HTTPOnly: c.HttpOnly,
			SameSite: sameSite(c.SameSite), Length: len(c.Value), Field: hidden.Of(c.Value),
		})
	}
	return pages.SortCookies(list)
}

// Authorized is never so: there are no scripts that could hold a token.
func (t *formsTab) Authorized() bool { return false }

func (t *formsTab) Forget(context.Context) error {
	jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	if err != nil {
		return err
	}
	t.baked = &cookieLog{RoundTripper: t.driver.transport, seen: map[string]*http.Cookie{}, secret: t.driver.o.Secret}
	t.client = http.Client{Transport: watchedTransport{t.baked, t}, Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= maxRedirects {
			return Failed(transcript.Unreachable, fmt.Sprintf("more than %d redirects, the last to %s", maxRedirects, r.URL))
		}
		return nil
	}}
	return nil
}

func (t *formsTab) Look(context.Context) (*pages.Snapshot, error) {
	if t.page == nil {
		return nil, Failed(transcript.Unreachable, "no page is open")
	}
	return t.page.snapshot(), nil
}

// navigate loads a page as a browser would, and goes on where the page sends the
// browser on by itself: a refresh, or a form that a script submits at once.
func (t *formsTab) navigate(ctx context.Context, method, to string, body io.Reader, contentType string) error {
	for hop := 0; ; hop++ {
		if err := t.load(ctx, method, to, body, contentType); err != nil {
			return err
		}
		s := t.page.selfSubmit()
		if s == nil {
			refresh := t.page.refresh()
			if refresh == "" {
				return nil
			}
			s = &submission{method: http.MethodGet, url: refresh}
		}
		if hop >= maxHops {
			return Failed(transcript.Loop, fmt.Sprintf("%d automatic redirects between pages in a row", hop))
		}
		method, to, contentType = s.method, s.url, s.contentType
		body = strings.NewReader(s.body)
	}
}

func (t *formsTab) load(ctx context.Context, method, to string, body io.Reader, contentType string) error {
	resp, err := t.send(ctx, method, to, body, contentType, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	if err != nil {
		return t.failed(ctx, err)
	}
	if len(raw) > MaxBody {
		return Failed(transcript.Unreachable, fmt.Sprintf("the page is larger than %d MiB", MaxBody>>20))
	}
	r, err := charset.NewReader(strings.NewReader(string(raw)), resp.Header.Get("Content-Type"))
	if err == nil {
		if decoded, err := io.ReadAll(io.LimitReader(r, 2*MaxBody)); err == nil {
			raw = decoded
		}
	}
	t.serial++
	t.header = resp.Header
	t.page = parse(string(raw), resp.Request.URL, resp.StatusCode, t.serial, t.driver.engine.recogniser.Queries())
	return nil
}

func (t *formsTab) send(ctx context.Context, method, to string, body io.Reader, contentType string, headers map[string]string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, to, body)
	if err != nil {
		return nil, Failed(transcript.Unreachable, err.Error())
	}
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return nil, Failed(transcript.Unreachable, fmt.Sprintf("%s is not a web address", to))
	}
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	r.Header.Set("Accept-Language", t.driver.o.Verification.Locale)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	// What a browser sends with a navigation from a page: servers check them
	// against forged requests.
	if t.page != nil && headers == nil {
		from := t.page.url
		origin := from.Scheme + "://" + from.Host
		if method == http.MethodPost {
			r.Header.Set("Origin", origin)
		}
		if r.URL.Scheme == from.Scheme && r.URL.Host == from.Host {
			page := *from
			page.User, page.Fragment = nil, ""
			r.Header.Set("Referer", page.String())
		} else if from.Scheme == r.URL.Scheme {
			r.Header.Set("Referer", origin+"/")
		}
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	for name, value := range t.driver.o.Header {
		r.Header.Set(name, value)
	}
	resp, err := t.client.Do(r)
	if err != nil {
		return nil, t.failed(ctx, err)
	}
	return resp, nil
}

// failed words a transport error; the page's URL is told by the trouble.
func (t *formsTab) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return Failed(transcript.Unreachable, "the host name "+dns.Name+" does not resolve")
	case isCertificateError(err):
		return Failed(transcript.Unreachable, err.Error()+" (to trust more CAs, set tls.ca_file)")
	}
	return Failed(transcript.Unreachable, err.Error())
}

func isCertificateError(err error) bool {
	var bad *tls.CertificateVerificationError
	return errors.As(err, &bad)
}

func (t *formsTab) Probe(ctx context.Context, method, to string, headers map[string]string) (int, error) {
	return t.exchange(ctx, method, to, "", headers)
}

// exchange sends one request beside the open page.
func (t *formsTab) exchange(ctx context.Context, method, to, body string, headers map[string]string) (int, error) {
	if headers == nil {
		headers = map[string]string{}
	}
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	resp, err := t.send(ctx, method, to, content, "", headers)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, MaxBody))
	return resp.StatusCode, nil
}

func (t *formsTab) Act(ctx context.Context, s *pages.Snapshot, o *Order) error {
	switch o.Do {
	case pages.Fill:
		texts, fits := s.Parts(o.Elements, o.Text)
		t.page.fill(o.Elements, texts)
		if !fits {
			return ErrLost
		}
	case pages.Tick, pages.Untick:
		t.page.tick(o.Elements, o.Do == pages.Tick)
	case pages.Press, pages.Enter:
		s, err := t.page.press(o.Elements[0], o.Do == pages.Enter, o.Set)
		if err != nil {
			return err
		}
		if o.Leaving != nil {
			o.Leaving()
		}
		if s.method == http.MethodGet {
			return t.navigate(ctx, s.method, s.url, nil, "")
		}
		return t.navigate(ctx, s.method, s.url, strings.NewReader(s.body), s.contentType)
	}
	return nil
}
