package useragent

import (
	"context"
	"net/http"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Attacker is a Agent that can be attacked: by hostile pages in the person's
// own browser, with the person's cookies. Only a real browser's can, because
// what a browser refuses to do for a hostile page is half of the defence.
// The hostile pages come from a site of another name than the target's.
type Attacker interface {
	Agent
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

// Mark is how an attack recognises its own payload in a page: an element of
// this name, an attribute of this name, a global variable of this name, and
// the value of a sum that a template engine worked out.
type Mark struct{ Name, Sum string }
