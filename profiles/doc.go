// Package profiles reads the profile of a target: a YAML file that says where
// an authorization server is, which clients and accounts a run may use, how
// its verification pages work, and what it is known to do differently.
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
// The shipped profile custom.yaml shows every key with its meaning and its
// default; the types in this package are the same schema.
//
// # Loading
//
// A profile passes through these steps, and [Load] reports the problems of all
// of them at once, each at its line ([Error]):
//
//  1. The YAML text becomes a tree. Aliases are copied, within bounds.
//  2. Overrides (--set key=value) change the tree.
//  3. Every key is checked against the Go types and decoded. A key that the
//     schema does not have is an error at any depth.
//  4. Variables are expanded: ${name} is base_url or an entry of vars, and
//     $${ is ${ itself. A string that names an empty variable is empty as a
//     whole; as an entry of a list of strings or of a map it is left out.
//  5. Defaults are set, and what types cannot say is checked.
//  6. Secrets are read.
//
// A null is the same as an absent key.
//
// # Secrets
//
// A secret never stands in a profile: {env: NAME}, {file: PATH} or
// {generate: true} stand for it. A client or user whose secret is not there is
// an error, or, with optional: true, is left out and named in
// [Profile.Dropped]. [Secret] never prints its value.
//
// # Second spellings
//
// Three keys take a shorter form: username may be a plain string, when may be
// a single condition instead of a list, and deny: none is no_deny: true.
package profiles
