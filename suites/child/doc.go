// Package child starts this program again, as a process of its own: a server
// whose figures must not mix with ours, or a run that may crash alone. A child
// is out of reach of the terminal's interrupt, and ends when its parent does,
// however that ended.
package child
