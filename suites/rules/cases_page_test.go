package rules

// pageCases: attacks on the pages, and guessing.
var pageCases = []ruleCase{}
