// Package scenario holds the scripted conversations with a target.
//
// A scenario is one story told from start to end: a device asks for a code,
// polls, a person approves, the device collects its token. It talks and
// records; it never judges. What it yields is a transcript, and any number of
// rules read it. So a wait is done once however many requirements depend on
// it, and a recorded run can be judged again offline.
//
// Scenarios run as futures ([Runner]): all that are needed start at once,
// bounded by the profile's rate limit, and a check waits for the ones it
// reads. A run therefore takes about as long as its longest scenario.
//
// Three habits hold in every scenario. A code that was probed is never used
// for a later assertion. A compliant poll waits the interval and a guard band
// from the receipt of the previous answer. And each slow_down adds five
// seconds to all later waits of its code, also where pacing is not the theme,
// so that one throttling fault does not trip half of the suite.
package scenario
