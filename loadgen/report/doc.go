// Package report writes the result of a load run, for people and for build
// servers.
//
// load.json is the single source of truth; both writers here only read a
// [loadgen.Result]:
//
//	Result ─► cleaned ─┬─► page  ─► templates, charts ─► [HTML]
//	                   └─► suite ─► junit             ─► [JUnit]
//
// [HTML] writes one self-contained file without scripts or network access. Its
// charts are inline SVG: Go places lines, grid and labels on a scale, and the
// style sheet has the colors, dashes and fonts, so the charts adapt to dark
// screens and printers.
//
// [JUnit] separates two things that a build server must not confuse: a server
// that missed a threshold is a failure; a run that measured nothing is an
// error.
//
// # Hostile content
//
// Error codes, descriptions and bodies come from the target, and the people who
// open a report have privileges. Three defenses protect them: every string is
// cleaned on input (bounded, with control and direction characters made
// visible), html/template escapes on output, and the page's own policy forbids
// scripts and loading. Charts contain only numbers and fixed texts.
package report
