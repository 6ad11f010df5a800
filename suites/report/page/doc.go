// Package page writes a conformance run as one HTML page.
//
// The page is self-contained: it needs no network, no other file and no script.
// It works on a phone, on paper, on a dark screen and with the keyboard, and
// opens from a local folder. Its only script filters the list.
//
// Everything in a result may come from a hostile server. The page has three
// defenses: html/template escapes by context; every text is bounded, with its
// control characters spelled out (clean.go); and the page's own policy allows
// only the script whose hash it names, and loads nothing.
//
// result.json remains the complete record. To stay under [MaxSize], the page
// shows only the start of long bodies, and less of a run with very much
// evidence.
package page
