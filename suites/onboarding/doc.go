// Package onboarding takes a new server to its first run. A [Scaffold] writes a
// profile from the server's metadata. [Preflight] checks whether a profile fits
// the server, with a fix for everything that is wrong. [Walk] visits the
// verification pages once and suggests entries for the profile. Nothing here
// judges the server.
package onboarding
