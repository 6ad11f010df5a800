package useragent

import (
	"context"
	"errors"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// Tab is one user agent with one page open: what an [Engine] needs of a driver.
// Its errors are those of [Failed], the Err values of this package, or the cause
// of the context's end; any other is taken for a page that cannot be reached.
type Tab interface {
	// Ready prepares the tab for a journey that begins at an address; later
	// journeys find it prepared. Early does so before there is a start page, as
	// far as that is possible.
	Ready(ctx context.Context, start string) error
	Early(ctx context.Context) error
	Open(ctx context.Context, url string) error
	// Look tells what is on the page now. It answers ErrMoving between two pages.
	Look(ctx context.Context) (*pages.Snapshot, error)
	// Act does one act on elements of a snapshot. It answers ErrStale when they
	// are no longer there, and ErrLost when the page did not keep a text.
	Act(ctx context.Context, s *pages.Snapshot, o *Order) error
	// Forget drops cookies and storage, and nothing of the page.
	Forget(ctx context.Context) error
	// Authorized says that a request since Forget carried an Authorization
	// header: a script held a token in the page's memory.
	Authorized() bool
	// Probe sends a request with the session's cookies; the page stays open.
	Probe(ctx context.Context, method, url string, headers map[string]string) (status int, err error)
	// Traffic counts the requests of the page so far, and those unanswered.
	Traffic() (started, open int)
	// Facts are what came with the page beside its content; Cookies are those
	// that the user agent holds for it.
	Facts() pages.Facts
	Cookies(ctx context.Context) []transcript.Cookie
	// Live says that a page may change by itself, by its scripts.
	Live() bool
	// Watch shows the traffic to w from now on; nil: to nobody. Inspect shows it
	// the page.
	Watch(w *Watch)
	Inspect(ctx context.Context, w *Watch)
	// Screenshot is a picture of the page, and HTML its markup; empty for none.
	Screenshot(ctx context.Context) []byte
	HTML(ctx context.Context) string
	Close() error
}

// Order is one act on known elements, as indices of Snapshot.Elements.
type Order struct {
	Do       pages.Deed
	Elements []int // never empty
	Text     string
	// Set are form fields to be added when the form is sent.
	Set map[string]string
	// ByScript clicks by a DOM call where a mouse click had no effect. The tab sets
	// it when it did so unasked.
	ByScript bool
}

// Texts are what to type into each of the elements: the whole text into one, or
// one character into each of several boxes, which have none for the dash of a code.
// It does not fit when there are more characters than boxes.
func (o *Order) Texts() (texts []string, fits bool) {
	if len(o.Elements) == 1 {
		return []string{o.Text}, true
	}
	all := strings.Split(bareCase(o.Text), "")
	texts = make([]string, len(o.Elements))
	copy(texts, all)
	return texts, len(all) <= len(o.Elements)
}

// bareCase is a code without separators, in its own case.
func bareCase(code string) string {
	return strings.NewReplacer("-", "", " ", "", ".", "").Replace(code)
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
