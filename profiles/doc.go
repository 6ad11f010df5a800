// Package profiles reads the profile of a target: a YAML file that says where
// an authorization server is, which clients and users a run may use, how its
// verification pages work, and its known deviations.
//
//	p, err := profiles.Load("builtin", profiles.Options{})
//	p, err := profiles.Load("my-server.yaml", profiles.Options{Set: []string{"limits.rate=5"}})
//
// A small profile:
//
//	base_url: https://idp.example.com
//	issuer: ${base_url}
//	clients:
//	  public: {id: my-device}
//	users:
//	  first: {username: alice, password: {env: DEVICEGRANT_PASSWORD}}
//	scopes: [openid]
//
// The shipped profile custom.yaml shows every key with its meaning and default;
// the types in this package are the same schema.
//
// # Loading
//
// [Load] takes a profile through these steps and reports the problems of all of
// them at once, each with its line ([Error]):
//
//  1. The YAML text becomes a tree. Aliases are copied, within limits.  2.
//
// Overrides (--set key=value) change the tree.  3. Every key is checked against
// the Go types and decoded. An unknown key is
//
//	   an error at any depth.
//	4. Variables are expanded: ${name} is base_url or an entry of vars, and
//	   $${ is a literal ${. A string that uses an empty variable is empty as a
//	   whole; in a list of strings or a map, the entry is dropped.
//	5. Defaults are set, and rules that the types cannot express are checked.
//
// 6. Secrets are read.
//
// A null is the same as an absent key.
//
// # Secrets
//
// A profile never contains a secret, only its source: {env: NAME}, {file: PATH}
// or {generate: true}. A client or user whose secret is missing is an error or,
// with optional: true, is left out and listed in [Profile.Dropped]. [Secret]
// never prints its value.
//
// # Short forms
//
// Three keys have a short form: username may be a plain string, when may be a
// single condition instead of a list, and deny: none means no_deny: true.
package profiles
