// Package rules holds the requirements and the checks that judge them.
//
// A rule is a pure function from transcripts to a judgement. It sends nothing
// and waits for nothing, so a recorded run can be judged again and every rule
// can be tested with exchanges that were written by hand.
//
// The catalogue (requirements.yaml) says what is demanded, where the text
// stands and how strongly it binds. Only MUST, defined and the
// security-critical implied entries can fail a server. A rule that checks a
// refusal passes only with its positive control: the same request without the
// fault succeeded. Where the evidence is missing the rule is inconclusive, and
// where the text is open it reports what it measured.
package rules
