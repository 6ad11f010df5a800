package rules

// extensionCases: PKCE, DPoP, resources, rich requests, tenants.
var extensionCases = []ruleCase{}
