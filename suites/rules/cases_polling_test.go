package rules

// pollingCases: the polling state machine: throttling, expiry, races, load.
var pollingCases = []ruleCase{}
