package rules

// personCases: what a person meets at the verification URI.
var personCases = []ruleCase{}
