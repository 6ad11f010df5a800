package useragent

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// maxLeaks bounds what is told of the places where a watched value was found.
const maxLeaks = 20

// Watch searches for values in everything that passes through a user agent. It
// records where one was found, never the value. A nil Watch searches for
// nothing.
type Watch struct {
	needles []needle
	// control is the user code: a watch that does not see even that is blind.
	control needle

	mu     sync.Mutex
	proved bool
	leaks  []transcript.Leak
	// searching is how many searches are under way on the side; told says that the
	// journey waits for no further ones, and over closes when the last has ended.
	searching int
	told      bool
	over      chan struct{}
}

type needle struct {
	name  string
	forms []string
}

func newWatch(task Task) *Watch {
	if len(task.Watch) == 0 {
		return nil
	}
	w := &Watch{over: make(chan struct{}), control: needle{forms: slices.Concat(spellings(task.UserCode), spellings(pages.Unseparated(task.UserCode)))}}
	for _, n := range task.Watch {
		w.needles = append(w.needles, needle{n.Name, spellings(n.Value)})
	}
	return w
}

// spellings are the forms in which a value may stand in a page, a URL, a
// header or a script.
func spellings(value string) []string {
	if value == "" {
		return nil
	}
	quoted, _ := json.Marshal(value) // a string always marshals
	all := []string{
		value, url.QueryEscape(value), url.PathEscape(value), strings.ToLower(url.QueryEscape(value)),
		html.EscapeString(value), string(quoted[1 : len(quoted)-1]),
	}
	// Inside a longer base64 text the value starts at one of three places.
	for before := range 3 {
		raw := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), value...))
		// The characters at the ends also hold bits of the neighbours.
		from, to := (before*8+5)/6, len(raw)
		if (before+len(value))%3 != 0 {
			to--
		}
		if inner := raw[from:to]; len(inner) >= 8 {
			all = append(all, inner, strings.NewReplacer("+", "-", "/", "_").Replace(inner), url.QueryEscape(inner))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (n needle) in(content string) bool {
	return slices.ContainsFunc(n.forms, func(form string) bool { return strings.Contains(content, form) })
}

// Search searches one piece of traffic: where it is, in words ("response
// body"), the URL that it belongs to, and its content.
func (w *Watch) Search(where, at, content string) {
	if w == nil || content == "" {
		return
	}
	for _, n := range w.needles {
		if n.in(content) {
			w.found(transcript.Leak{Needle: n.name, Where: where, URL: w.clean(at)})
		}
	}
	if !w.seen() && w.control.in(content) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.proved = true
	}
}

func (w *Watch) seen() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.proved
}

func (w *Watch) found(l transcript.Leak) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.leaks) < maxLeaks && !slices.Contains(w.leaks, l) {
		w.leaks = append(w.leaks, l)
	}
}

// clean is a URL without its query, and without the values themselves.
func (w *Watch) clean(at string) string {
	at, _, _ = strings.Cut(at, "?")
	at, _, _ = strings.Cut(at, "#")
	for _, n := range w.needles {
		for _, form := range n.forms {
			at = strings.ReplaceAll(at, form, "["+n.name+"]")
		}
	}
	return pages.Tidy(at, pages.MaxLabel)
}

// Aside searches in the background, until the journey was reported.
func (w *Watch) Aside(search func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told {
		return
	}
	w.searching++
	go func() {
		search()
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.searching--; w.told && w.searching == 0 {
			close(w.over)
		}
	}()
}

// Headers searches the headers of a message, each under its name; kind is
// "request" or "response".
func (w *Watch) Headers(kind, at string, headers http.Header) {
	if w == nil {
		return
	}
	for name, values := range headers {
		w.Search(kind+" header "+pages.Tidy(http.CanonicalHeaderKey(name), pages.MaxLabel), at, strings.Join(values, "\n"))
	}
}

// tell completes the journey, after the searches that are under way.
func (w *Watch) tell(ctx context.Context, j *transcript.Journey) {
	if w == nil {
		return
	}
	w.mu.Lock()
	if w.told = true; w.searching == 0 {
		close(w.over)
	}
	w.mu.Unlock()
	timer := time.NewTimer(3 * time.Second)
	defer timer.Stop()
	select {
	case <-w.over:
	case <-timer.C:
	case <-ctx.Done():
	}
	for _, n := range w.needles {
		j.Watched = append(j.Watched, n.name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	j.WatchProved, j.Leaks = w.proved, slices.Clone(w.leaks)
}
