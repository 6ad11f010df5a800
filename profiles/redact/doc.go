// Package redact takes secrets out of evidence, in place: the value of a
// header, a cookie, a form field, a JSON member, a query member or a hidden
// field becomes a mark, and everything around it stays as it was, byte for byte.
//
// A mark is "[redacted:1a2b3c4d]". Its digits are a MAC of the value under a key
// of this run only, so equal values stay recognisable as equal, and nobody can
// guess a mark back into a password.
//
// Two kinds of value are looked for outside of their own places as well, in any
// text and in the encodings in which a target could repeat them (percent, hex,
// base64, JSON and HTML escapes, backwards):
//
//   - the secrets of the profile, of three characters and more;
//   - what stood in the place of a secret and looks drawn by chance, see [Random].
//
// A cookie view=device or a token that spells authorization_pending is hidden
// where it stands and nowhere else, so that no value that a target chooses can
// change what the evidence says.
package redact
