// Package scenario holds the scripted conversations with a target.
//
// A scenario is one conversation from start to end: a device requests a code
// and polls, the end user approves, the device gets its token. A scenario talks
// and records, but never judges. It produces a transcript that any number of
// rules can read. So each wait happens once, however many requirements depend
// on it, and a recorded run can be judged again offline.
//
// Scenarios run as futures ([Runner]): all that are needed start at once,
// within the profile's rate limit, and a check waits for the ones that it
// reads. A run therefore takes about as long as its longest scenario.
//
// Three rules hold in every scenario. A code that was probed is never used for
// a later assertion. A compliant poll waits for the interval plus a guard band
// after receiving the previous response. And each slow_down adds five seconds
// to all later waits for its code, even where pacing is not under test, so that
// one throttling fault does not trip half of the suite.
package scenario
