// Package formats writes a conformance run in formats that other programs read:
// JUnit for build servers; SARIF, GitHub and GitLab for code hosts; HAR for a
// browser's network panel; and Markdown.
//
// All of them are made from a [report.Result] alone, so a result can be
// converted long after its run. The run's own policy decides what counts as a
// failure: a warning only with --strict, a known deviation never.
//
// Texts from the target are bounded, their control characters are spelled out,
// and each format escapes them in its own way.
package formats
