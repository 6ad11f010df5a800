// Package suites tests the conformance of an OAuth 2.0 device authorization
// grant server (RFC 8628).
//
// Data flows like this:
//
//	profile -> plan -> scenarios -> transcripts -> rules -> verdicts -> result
//
// Ginkgo runs the checks, and the packages rules and report judge: there is one
// Describe for each RFC section and one It for each requirement. The It waits
// for the scenarios that its rule reads, applies the rule and records the
// verdict. Three commands run the same tree of specs:
//
//	devicegrant run --profile my-server.yaml
//	go test ./suites -count=1 -timeout 0 -args -profile $PWD/my-server.yaml
//	ginkgo ./suites -- -profile $PWD/my-server.yaml
//
// A Go project calls [Run] from its own tests, even inside its own Ginkgo
// suite:
//
//	p, err := profiles.Load("my-server.yaml", profiles.Options{})
//	...
//	result, err := suites.Run(ctx, suites.Options{Profile: p})
//	...
//	for _, check := range result.Checks { ... }
package suites
