// Package report writes what a load run found for people and for build servers.
//
// load.json is the single source of truth; both writers here only read a
// [loadgen.Result]:
//
//	Result ─► cleaned ─┬─► page  ─► templates, charts ─► [HTML]
//	                   └─► suite ─► junit             ─► [JUnit]
//
// [HTML] is one file that keeps: no scripts, no network, nothing beside it.
// Its charts are SVG in the page itself: Go places lines, grid and labels on a
// scale, and the style sheet has their colours, dashes and letters, so that they
// follow a dark screen and a printer.
//
// [JUnit] separates two things that a build server must not confuse: a server
// that missed a threshold is a failure, a run that measured nothing is an error.
//
// # What a server can do to a report
//
// Error codes, descriptions and bodies are the words of the target, and a
// report is opened by people with rights. Three things stand between them:
// every string is cleaned on the way in (bounded, control and direction
// characters made visible), html/template escapes on the way out, and the
// page's own policy forbids scripts and loading, should both fail. Charts hold
// numbers and our own words only.
package report
