// Package formats writes a conformance run in the forms that other programs
// read: a build server (JUnit), code hosts (SARIF, GitHub, GitLab), a browser's
// network panel (HAR), and whatever shows Markdown.
//
// All of them are made from a [report.Result] and nothing else, so that a
// result can be converted long after its run. What counts as a failure is what
// the run's own policy counts: a warning only with --strict, a known deviation
// never.
//
// Texts of the target are bounded, their control characters are spelled out,
// and each format escapes them in its own way.
package formats
