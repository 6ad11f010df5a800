// Package report is the result model of a conformance run and its writers.
//
// result.json (schema devicegrant/result/1, only ever extended) is the single
// source of truth: every other output is made from a [Result]. A result is
// redacted before it is written (see package redact): secrets, tokens, codes
// and cookies are replaced by short marks that are equal if the values were
// equal.
package report
