// Package page writes a conformance run as one HTML page.
//
// The page needs nothing else: no network, no file beside it, no script. It is
// read on a phone, on paper, in the dark and with the keyboard, and opened from
// a folder by whoever gets it in a mail. The little script it has only filters.
//
// Everything in a result may come from a hostile server. The page has three
// lines of defence: html/template escapes by context, every text is bounded and
// its control characters are spelled out (clean.go), and the page's own policy
// runs no script but the one whose hash it names, and loads nothing.
//
// result.json stays the whole truth: the page shows the beginning of long
// bodies, and of a run with very much evidence less than of a small one, so
// that it stays under [MaxSize].
package page
