// Package rules holds the requirements and the checks that judge them.
//
// A rule is a pure function from transcripts to a judgement. It sends nothing
// and waits for nothing, so a recorded run can be judged again, and every rule
// can be tested with hand-written exchanges.
//
// The catalog (requirements.yaml) says what is required, by which section and
// at which level. Only MUST, defined and the security-critical implied entries
// can fail a server. A rule that expects a refusal passes only with its
// positive control: the same request without the defect succeeded. If evidence
// is missing, the rule is inconclusive; if the specification leaves something
// open, it reports what it measured.
package rules
