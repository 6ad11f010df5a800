// Package onboarding brings a server that nobody has described yet to its first
// run. A Scaffold writes a profile from the server's metadata; Preflight asks
// the server whether a profile fits it, with a fix for each thing that is wrong;
// Walk walks through the verification pages once and suggests entries for the
// profile. Nothing here judges the server.
package onboarding
