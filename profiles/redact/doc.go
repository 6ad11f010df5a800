// Package redact removes secrets from evidence, in place: the value of a
// header, a cookie, a form field, a JSON member, a query parameter or a hidden
// field becomes a mark, and everything around it stays the same, byte for byte.
//
// A mark is "[redacted:1a2b3c4d]". Its digits are a MAC of the value under a
// key that only this run has. Equal values get equal marks, and a mark cannot
// be turned back into a password by guessing.
//
// Two kinds of values are also removed wherever else they occur, in any text
// and in the encodings in which a target might repeat them (percent, hex,
// base64, JSON and HTML escapes, reversed):
//
//   - the secrets of the profile, if they have three or more characters;
//   - values that were found where a secret belongs and that look random, see
//     [Random].
//
// A cookie view=device, or a token with the value authorization_pending, is
// hidden in its place and nowhere else. So no value that a target chooses can
// change the meaning of the evidence.
package redact
