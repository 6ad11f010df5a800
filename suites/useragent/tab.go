package useragent

import (
	"context"
	"errors"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// Tab is one user agent with one open page: what an [Engine] needs from a
// driver. Its errors are those of [Failed], the Err values of this package, or
// the cause of the context's end; any other error means that the page cannot be
// reached.
type Tab interface {
	// Ready prepares the tab for a journey that starts at an address; for later
	// journeys it is already prepared. Early prepares it as far as possible
	// before there is a start page.
	Ready(ctx context.Context, start string) error
	Early(ctx context.Context) error
	Open(ctx context.Context, url string) error
	// Look returns what is on the page now. It returns ErrMoving between two
	// pages.
	Look(ctx context.Context) (*pages.Snapshot, error)
	// Act carries out one action on elements of a snapshot. It returns ErrStale
	// if they no longer exist, and ErrLost if the page did not keep a text. When it
	// returns, Order.Leaving is not called any more.
	Act(ctx context.Context, s *pages.Snapshot, o *Order) error
	// Forget deletes cookies and storage, but leaves the page alone.
	Forget(ctx context.Context) error
	// Authorized reports whether a request since Forget had an Authorization
	// header: a script kept a token in the page's memory.
	Authorized() bool
	// Probe sends a request with the session's cookies; the page stays open.
	Probe(ctx context.Context, method, url string, headers map[string]string) (status int, err error)
	// Traffic counts the page's requests so far, and those without a response.
	Traffic() (started, open int)
	// Facts are what came with the page besides its content; Cookies are those
	// that the user agent has for it, with the field that had the value of one.
	Facts() pages.Facts
	Cookies(ctx context.Context, hidden pages.HiddenValues) []transcript.Cookie
	// Live reports whether scripts may change the page.
	Live() bool
	// Watch shows the traffic to w from now on; nil: to no watch. Inspect shows
	// it the page.
	Watch(w *Watch)
	Inspect(ctx context.Context, w *Watch)
	// Screenshot returns a picture of the page, and HTML its markup; empty for
	// none.
	Screenshot(ctx context.Context) []byte
	HTML(ctx context.Context) string
	Close() error
}

// Order is one action on known elements, as indices of Snapshot.Elements.
type Order struct {
	Do       pages.Deed
	Elements []int // never empty
	Text     string
	// Set are form fields to add when the form is submitted.
	Set map[string]string
	// ByScript clicks with a DOM call if a mouse click had no effect. The tab
	// sets it if it did so by itself.
	ByScript bool
	// Leaving, if set, is called once when the request that comes of a press is
	// about to leave; nothing is sent before it returns. It is not called for what
	// is not pressed.
	Leaving func()
}

// What a tab may answer beside an error of Failed.
var (
	// ErrMoving: the page is being replaced; look again.
	ErrMoving = errors.New("the page is being replaced")
	// ErrStale: the element is no longer there, though the page is.
	ErrStale = errors.New("the page replaced the element during use")
	// ErrLost: the page did not keep the typed text.
	ErrLost = errors.New("the page did not keep the typed text")
	// errBlocked: the form's own checks did not let the input out.
	errBlocked = errors.New("the form's validation rejects the input")
)
