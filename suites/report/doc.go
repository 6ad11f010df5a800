// Package report is the result model of a conformance run and its writers.
//
// result.json (schema devicegrant/result/1, only ever extended) is the single
// source of truth: every other output reads a [Result]. What is written is
// redacted first (see [Redactor]): secrets, tokens, codes and cookies are
// replaced by short marks that are equal where the values were equal.
package report
