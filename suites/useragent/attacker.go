package useragent

import (
	"context"
	"net/http"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Attacker is an Agent that can be attacked by hostile pages in the end user's
// own browser, with the user's cookies. Only a real browser can, because half
// of the protection is what a browser refuses to do for a hostile page. The
// hostile pages are on a site with another name than the target's.
type Attacker interface {
	Agent
	// Hold presses approve on the decision page where the last journey ended,
	// and returns the resulting request without sending it.
	Hold(ctx context.Context) (Request, error)
	// Replay sends a request outside of the browser, with its cookies and the
	// given Origin.
	Replay(ctx context.Context, name string, r Request, origin string) transcript.Attack
	// CrossSite opens a hostile page that sends the request at once.
	CrossSite(ctx context.Context, name string, r Request) transcript.Attack
	// Frame opens a hostile page with the address in a frame.
	Frame(ctx context.Context, name, address string) transcript.Attack
	// Inject opens an address that contains a payload, and then searches the
	// page.
	Inject(ctx context.Context, name, address string, mark Mark) transcript.Attack
	// Search looks in the open page for effects of a payload, and for the payload
	// as harmless text.
	Search(ctx context.Context, mark Mark) (seen []string, shown bool)
	// Lure returns an address on the hostile site to which a page near the
	// given address must not redirect. Landed returns which ones were visited.
	Lure(near, path string) (string, error)
	Landed(path string) []string
}

// Request is one that a page would send, or its forgery.
type Request struct {
	Method, URL, ContentType, Body string
	// Header has the fields that a script of the page added.
	Header map[string]string
}

// Form reports whether a browser sends such a body for a plain form.
func (r Request) Form() bool {
	media, _, _ := strings.Cut(r.ContentType, ";")
	return r.Method == http.MethodPost && strings.TrimSpace(media) == "application/x-www-form-urlencoded"
}

// Mark is how an attack recognizes its own payload in a page: an element, an
// attribute and a global variable with this name, and the value of a sum that a
// template engine computed.
type Mark struct{ Name, Sum string }
