// Package suites judges an OAuth 2.0 device authorization grant server
// (RFC 8628): the conformance run.
//
// The way of the data is
//
//	profile -> plan -> scenarios -> transcripts -> rules -> verdicts -> result
//
// Ginkgo runs the checks, and the model of the packages rules and report
// judges: one Describe for each RFC section, one It for each requirement. The
// It waits for the scenarios that its rule reads, applies the rule and records
// the verdict. Three doors open on the same tree of specs: the devicegrant
// binary, go test, and the ginkgo command:
//
//	devicegrant run --profile my-server.yaml
//	go test ./suites -count=1 -timeout 0 -args -profile $PWD/my-server.yaml
//	ginkgo ./suites -- -profile $PWD/my-server.yaml
//
// A Go project calls the suite from its own tests with [Run], also from inside a
// Ginkgo suite of its own:
//
//	p, err := profiles.Load("my-server.yaml", profiles.Options{})
//	...
//	result, err := suites.Run(ctx, suites.Options{Profile: p})
//	...
//	for _, check := range result.Checks { ... }
package suites
