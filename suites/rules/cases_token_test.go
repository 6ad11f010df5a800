package rules

// tokenCases: the token and what can be done with it.
var tokenCases = []ruleCase{}
