package rules

// strengthCases: sizes, samples and transport: hostile input, entropy of codes, TLS, Host.
var strengthCases = []ruleCase{}
