// Package child starts this program again as a child process: a server whose
// CPU and memory figures must not mix with the parent's, or a run that may
// crash without affecting others. An interrupt on the terminal does not reach a
// child, and a child ends when its parent ends, for whatever reason.
package child
