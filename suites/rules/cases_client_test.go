package rules

// clientCases: who the client is: authentication, registration, scopes.
var clientCases = []ruleCase{}
