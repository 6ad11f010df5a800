package profiles

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"
)

// TestBadProfiles holds the messages as users read them.
func TestBadProfiles(t *testing.T) {
	// page is a profile with one page, whose text begins at line 5.
	page := func(text string) string { return minimal + "verification: {pages: [\n" + text + "]}\n" }
	for _, test := range []struct {
		name, text string
		set        []string
		want       string // lines; "test.yaml:" before each line number is left out
	}{
		{name: "unknown key at the top", text: minimal + "isuer: x\n",
			want: `4:1: isuer: unknown key; did you mean "issuer"?`},
		{name: "unknown nested key hides that the right one is missing", text: `
issuer: https://a.example
clients:
  pubic: {id: x}
`,
			want: `4:3: clients.pubic: unknown key; did you mean "public"?`},
		{name: "unknown key in a list", text: page(`{role: code, when: {id: a}, do: [{fil: {id: a}, with: user_code}]}`),
			want: `5:35: verification.pages.0.do.0.fil: unknown key; did you mean "fill"?`},
		{name: "unknown key that resembles none", text: minimal + "tls: {certificate_authority: x}\n",
			want: `4:7: tls.certificate_authority: unknown key; expected one of ca_file, cert_file, key_file, insecure, allow_http`},
		{name: "swapped letters", text: minimal + "tls: {ca_flie: x}\n",
			want: `4:7: tls.ca_flie: unknown key; did you mean "ca_file"?`},
		{name: "merge key", text: "a: &a {}\n<<: *a\n",
			want: `
test.yaml: clients.public: missing; every run polls with this client
1:1: a: unknown key; expected one of name, title, base_url, vars, issuer, issuer_rule, discovery, endpoints, clients, users, scopes, forbidden_scope, request, responses, expect, verification, tls, limits, capabilities, load, expiry, tenant, baseline
2:1: <<: unknown key; merge keys are not supported: an alias can only replace a whole value`},
		{name: "keys twice", text: minimal + "scopes: [a]\nlimits:\n  rate: 1\n  rate: 2\nscopes: [b]\nvars: {a: x, a: y}\n",
			want: `
7:3: limits.rate: duplicate key, first on line 6
8:1: scopes: duplicate key, first on line 4
9:14: vars.a: duplicate key, first on line 9`},
		{name: "no aliases", text: minimal + "responses:\n  members: {device_cod: x, interval: interval}\n  errors: {slow_down: expired_token, access_denied: a, expired_token: a}\n  statuses: {slow_down: 99, no: 400}\n",
			want: `
5:25: responses.members.device_cod: "device_cod" is not a response member of RFC 6749 or RFC 8628; did you mean "device_code"?
5:38: responses.members.interval: not a different name for interval; leave it out
6:23: responses.errors.slow_down: "expired_token" is itself a standard name; if the server confuses two standard names, use the baseline
6:71: responses.errors.expired_token: "a" is already the alias of access_denied
7:25: responses.statuses.slow_down: expected a number from 200 to 599, found 99; leave it out for the default
7:33: responses.statuses.no: "no" is not an error code of RFC 6749 or RFC 8628; expected one of authorization_pending, slow_down, access_denied, expired_token, invalid_request, invalid_client, invalid_grant, unauthorized_client, unsupported_grant_type, invalid_scope`},
		{name: "no words", text: minimal + "issuer_rule: maybe\nrequest: {token: {params_in: header}}\nresponses: {format: xml}\nexpect: {expires_in: -1s, user_code: '['}\nlimits: {token_per_minute: -1}\n",
			want: `
4:14: issuer_rule: unknown value "maybe"; expected exact, ignore
5:30: request.token.params_in: unknown value "header"; expected body, query
6:21: responses.format: unknown value "xml"; expected json, form
7:22: expect.expires_in: expected 0s or more; leave it out if the documentation gives none
7:38: expect.user_code: "[" is not a regular expression; error parsing regexp: missing closing ]: ` + "`" + `[` + "`" + `
8:28: limits.token_per_minute: expected 0 or more, found -1; leave it out if there is no limit`},
		{name: "key that is a list", text: minimal + "? [a, b]\n: c\n",
			want: `4:3: expected a key, found a list`},
		{name: "wrong types", text: minimal + `
title: [a]
scopes: openid profile
limits: {rate: fast, codes: 1.5, allow_lockouts: 1, timeout: 15}
tls: true
users: [alice]
verification: {limits: {step: soon}, auto: maybe}
`,
			want: `
5:8: title: expected a string, found a list
6:9: scopes: expected a list, found a string; write [one, two]
7:16: limits.rate: expected a number, found "fast"
7:29: limits.codes: expected a whole number, found "1.5"
7:50: limits.allow_lockouts: expected true or false, found "1"
7:62: limits.timeout: expected a duration such as 10s or 1m30s, found a bare number; write 15s for seconds
8:6: tls: expected a mapping, found true or false
9:8: users: expected a mapping, found a list
10:31: verification.limits.step: expected a duration such as 10s or 1m30s, found "soon"
10:44: verification.auto: expected true or false, found "maybe"`},
		{name: "collections in the wrong place", text: minimal + "title: {a: b}\nscopes: 5\ntls: 1.5\nlimits: {rate: 1e999}\ndiscovery: " + strings.Repeat("x", 50) + "\n",
			set: []string{"tls.insecure=true", "scopes.0=x", "title=y"},
			want: `
--set: scopes.0: there is no element "0" inside a number
--set: tls.insecure: there is no key "insecure" inside a number
5:9: scopes: expected a list, found a number; write [one, two]
6:6: tls: expected a mapping, found a number
7:16: limits.rate: expected a number, found "1e999"
8:12: discovery: unknown value "` + strings.Repeat("x", 40) + `..."; expected auto, off, the URL of a metadata document`},
		{name: "title is a mapping", text: minimal + "title: {a: b}\nvars: [null]\n",
			want: `
4:8: title: expected a string, found a mapping
5:7: vars: expected a mapping, found a list`},
		{name: "syntax error", text: minimal + "scopes: [a\nlimits: {}\n",
			want: `4: not YAML: did not find expected ',' or ']'`},
		{name: "tab", text: minimal + "limits:\n\trate: 5\n",
			want: `5: not YAML: found character that cannot start any token; indent with spaces, and quote strings that start with @ ` + "` or %"},
		{name: "unknown anchor", text: minimal + "limits: *x\n",
			want: `test.yaml: not YAML: unknown anchor 'x' referenced`},
		{name: "empty", text: "# nothing\n", want: `test.yaml: the profile is empty`},
		{name: "no mapping", text: "- a\n", want: `1:1: expected a mapping, found a list`},
		{name: "two documents", text: minimal + "---\n" + minimal,
			want: `4:1: a second YAML document starts here; a file contains one profile`},
		{name: "tag", text: minimal + "title: !secret x\n", want: `4:8: tags such as !name are not supported`},

		{name: "unknown variable", text: minimal + "vars: {tenant: x}\ntitle: ${tenat}\nusers: {first: {username: \"${HOME}\", password: {env: X}}}\n",
			want: `
5:8: title: unknown variable ${tenat}; did you mean ${tenant}?
6:27: users.first.username: unknown variable ${HOME}; define it under vars, or write $${ for a literal ${`},
		{name: "unclosed variable", text: minimal + "title: a ${tenant\n",
			want: `4:8: title: a variable is written ${name}; write $${ for a literal ${`},
		{name: "circle of variables", text: minimal + "vars: {a: \"${b}\", b: \"${a}\"}\ntitle: ${a}\n",
			want: `4:22: vars.b: the variable refers to itself`},
		{name: "variable names", text: minimal + "vars: {base_url: x, a-b: y}\n",
			want: `
4:8: vars.base_url: base_url belongs at the top level, not in vars
4:21: vars.a-b: a variable's name consists of letters, digits and _`},

		{name: "literal secrets", text: minimal + `
users: {first: {username: alice, password: hunter2}}
expiry: {client: {id: x, secret: hunter2}}
`,
			want: `
5:44: users.first.password: a profile cannot contain a secret; write {env: DEVICEGRANT_PASSWORD}
6:34: expiry.client.secret: a profile cannot contain a secret; write {env: DEVICEGRANT_CLIENT_SECRET}`},
		{name: "two sources and none", text: minimal + `users: {first: {username: {}, password: {env: A, file: b}}}`,
			want: `
4:17: users.first.username: expected one of env, file and generate; write {env: DEVICEGRANT_USER}
4:31: users.first.password: expected one of env, file and generate; write {env: DEVICEGRANT_PASSWORD}`},
		{name: "mistyped source", text: minimal + `users: {first: {username: a, password: {evn: A}}}`,
			want: `4:41: users.first.password.evn: unknown key; did you mean "env"?`},
		{name: "missing variables", text: `
issuer: https://a.example
clients:
  public: {id: a, secret: {env: UNSET_A}}
  confidential: {id: b, secret: {env: UNSET_B}}
users: {second: {username: x, password: {file: empty.txt}}, wrong: {username: {file: gone.txt}, password: {file: locked.txt}}}
expiry: {client: {id: a, secret: {file: large.txt}}}
tls: {ca_file: gone.txt}
`,
			want: `
4:19: clients.public.secret: UNSET_A is not set; export UNSET_A=...
5:25: clients.confidential.secret: UNSET_B is not set; export UNSET_B=..., or remove clients.confidential
6:31: users.second.password: empty.txt is empty; remove users.second
6:69: users.wrong.username: gone.txt does not exist; it is looked for at gone.txt, or remove users.wrong
6:97: users.wrong.password: cannot read locked.txt: permission denied; remove users.wrong
7:26: expiry.client.secret: large.txt is larger than 65536 bytes; remove expiry
8:16: tls.ca_file: cannot read it: file does not exist`},

		{name: "nothing to talk to", text: "title: x\n",
			want: `
test.yaml: clients.public: missing; every run polls with this client
test.yaml: endpoints.device_authorization: missing; give it, or an issuer to discover it from
test.yaml: endpoints.token: missing; give it, or an issuer to discover it from`},
		{name: "name", text: minimal + "name: ../x\n",
			want: `4:7: name: "../x" is not a name; use letters, digits, dots, - and _: it is used in file names`},
		{name: "half of the endpoints", text: "endpoints: {token: \"https://a.example/t\"}\nclients: {public: {id: a}}\n",
			want: `1:1: endpoints.device_authorization: missing; give it, or an issuer to discover it from`},
		{name: "discovery", text: "discovery: auto\nclients: {public: {id: a}}\n",
			want: `test.yaml: issuer: missing; discovery: auto needs it`},
		{name: "discovery word", text: minimal + "discovery: on\n",
			want: `4:12: discovery: unknown value "on"; expected auto, off, the URL of a metadata document`},
		{name: "URLs", text: `
issuer: https://a.example?x=1
discovery: ftp://a.example
endpoints:
  token: /token
  jwks: https://
  userinfo: "https://a b/"
  revocation: https://a.example/#x
  introspection: https://me:secret@a.example/
clients: {public: {id: a}}
`,
			want: `
2:9: issuer: an issuer has no query
3:12: discovery: "ftp://a.example" is not an http or https URL; write it as https://host/path
5:10: endpoints.token: "/token" is not an http or https URL; write it as https://host/path
6:9: endpoints.jwks: "https://" has no host; write it as https://host/path
7:13: endpoints.userinfo: "https://a b/" is not a URL; write it as https://host/path
8:15: endpoints.revocation: "https://a.example/#x" has a fragment; remove the # and what follows it
9:18: endpoints.introspection: the URL contains a user name or password; put credentials into clients and users`},
		{name: "http once, where it comes from", text: "base_url: http://a.example\nissuer: ${base_url}\nclients: {public: {id: a}}\n",
			want: `1:11: base_url: "http://a.example" is not https; for a loopback server set tls.allow_http: true`},

		{name: "clients", text: `
issuer: https://a.example
clients:
  public: {id: a, optional: true, scopes: ["x y"]}
  second: {id: a, auth: private_key_jwt, audience: nowhere}
  confidential: {id: b, auth: client_secret_post}
  not_allowed: {}
expiry: {client: {secret: {env: S}}}
`,
			want: `
4:29: clients.public.optional: every run polls with this client: it cannot be optional
4:44: clients.public.scopes.0: "x y" is not a single scope; write [one, two]
5:16: clients.second.id: "a" is also clients.public; the checks need two different clients
5:25: clients.second.auth: private_key_jwt needs a key; write key: {file: key.pem}
5:52: clients.second.audience: "nowhere" is not a URL; expected issuer, token_endpoint, endpoint or a URL
6:31: clients.confidential.auth: client_secret_post needs a secret; write secret: {env: DEVICEGRANT_CLIENT_SECRET}
7:3: clients.not_allowed.id: missing
8:10: expiry.client.id: missing`},
		{name: "unknown ways to authenticate", text: minimal, set: []string{"clients.public.auth=magic"},
			want: `--set: clients.public.auth: unknown value "magic"; expected none, client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth`},
		{name: "a certificate without its key", text: minimal, set: []string{"clients.public.auth=tls_client_auth"},
			want: `--set: clients.public.auth: tls_client_auth needs a certificate and its key; write certificate: {file: client.pem} and key: {file: client.key}`},
		{name: "confidential client without a secret", text: minimal, set: []string{"clients.confidential.id=c"},
			want: `--set: clients.confidential.secret: missing; write {env: DEVICEGRANT_CLIENT_SECRET}`},
		{name: "keys of authenticator apps", text: minimal + `
users:
  first: {username: alice, password: {env: A}, totp: {env: B1}}
  second: {username: bob, password: {env: A}, totp: {generate: true}}
`,
			want: `
6:48: users.first.totp: neither a base32 secret nor an otpauth://totp/ URL; give the key that the server shows when an authenticator app is set up
7:47: users.second.totp: a random key makes no code that the server knows; write {env: DEVICEGRANT_TOTP}`},
		{name: "users", text: minimal + `
users:
  first: {username: alice, password: {env: A}}
  second: {username: alice, password: {env: A}}
  wrong: {username: alice, password: {env: A}}
`,
			want: `
7:22: users.second.username: the same as users.first.username; the checks need two different accounts
8:28: users.wrong.password: the same as users.first.password; this login must be rejected: write {generate: true}`},
		{name: "user without name or password", text: minimal + "users: {first: {username: \"\"}}\n",
			want: `
4:9: users.first.password: missing; write {env: DEVICEGRANT_PASSWORD}
4:27: users.first.username: missing`},
		{name: "additions", text: minimal + `
request:
  device_authorization: {params: {scope: x}}
  token: {params: {grant_type: x, fine: y}, headers: {Authorization: Basic x, "a b": c, X: "1\n2"}}
`,
			want: `
6:42: request.device_authorization.params.scope: devicegrant sends this parameter itself
7:32: request.token.params.grant_type: devicegrant sends this parameter itself
7:70: request.token.headers.Authorization: devicegrant sends this header itself
7:86: request.token.headers.a b: not a header name
7:92: request.token.headers.X: a header value must be one line`},
		{name: "limits", text: minimal + "limits: {rate: 0, codes: -1, timeout: 0s}\nverification: {limits: {step: -1s, pages: 0}}\n",
			want: `
4:16: limits.rate: expected more than zero, found 0; leave it out for the default
4:26: limits.codes: expected more than zero, found -1; leave it out for the default
4:39: limits.timeout: expected more than zero, found 0s; leave it out for the default
5:31: verification.limits.step: expected more than zero, found -1s; leave it out for the default
5:43: verification.limits.pages: expected more than zero, found 0; leave it out for the default`},
		{name: "races", text: minimal + "limits: {race_width: 65, race_rounds: 0, load_devices: 7, repeat: 1001}\n",
			want: `
4:22: limits.race_width: expected a number from 2 to 64, found 65; leave it out for the default
4:39: limits.race_rounds: expected a number from 1 to 100, found 0; leave it out for the default
4:56: limits.load_devices: expected a number from 8 to 1000, found 7; leave it out for the default
4:67: limits.repeat: expected a number from 0 to 1000, found 1001; leave it out for the default`},
		{name: "infinite rate", text: minimal + "limits: {rate: .inf}\n",
			want: `4:16: limits.rate: expected a number, found ".inf"`},
		{name: "tenant without anything", text: minimal + "tenant: {}\n",
			want: `
4:1: tenant.clients.public: missing; give a client of the second tenant
4:1: tenant.issuer: missing; give it, or device_authorization and token in tenant.endpoints
4:1: tenant.users.first: missing; give a user of the second tenant`},
		{name: "tenant", text: minimal + "tenant: {issuer: \"https://a.example?x\", client: x, clients: {public: {id: b}}, users: {first: {username: c}}}\n",
			want: `
4:18: tenant.issuer: an issuer has no query
4:41: tenant.client: unknown key; did you mean "clients"?
4:88: tenant.users.first.password: missing; write {env: DEVICEGRANT_PASSWORD}`},
		{name: "tenant half discovered", text: minimal + "tenant: {endpoints: {token: \"https://a.example/t\"}, clients: {public: {id: b, auth: client_secret_post}}, users: {first: {username: c, password: hunter2}}}\n",
			want: `
4:1: tenant.issuer: missing; give it, or device_authorization and token in tenant.endpoints
4:85: tenant.clients.public.auth: client_secret_post needs a secret; write secret: {env: DEVICEGRANT_CLIENT_SECRET}
4:146: tenant.users.first.password: a profile cannot contain a secret; write {env: DEVICEGRANT_PASSWORD}`},
		{name: "expiry endpoints", text: minimal + "expiry: {endpoints: {token: \"https://a.example/t\"}}\n",
			want: `4:10: expiry.endpoints.device_authorization: missing; expiry.endpoints replace endpoints as a whole`},
		{name: "expiry endpoints without token", text: minimal + "expiry: {endpoints: {device_authorization: \"https://a.example/d\"}}\n",
			want: `4:10: expiry.endpoints.token: missing; expiry.endpoints replace endpoints as a whole`},
		{name: "CA file", text: minimal + "tls: {ca_file: no-pem.txt}\n",
			want: `4:16: tls.ca_file: no-pem.txt contains no PEM certificate`},
		{name: "baseline", text: minimal + `
baseline:
  - {check: err-1, reason: x, expect: fails}
  - {check: ERR-02, reason: " "}
  - {check: ERR-03, reason: x, link: somewhere}
  - {check: ERR-03, reason: y}
  - {reason: y}
  -
`,
			want: `
6:13: baseline.0.check: "err-1" is not a requirement id; write an id such as ERR-01
6:39: baseline.0.expect: unknown value "fails"; expected fail, warn, inconclusive, n/a
7:29: baseline.1.reason: missing; say why the deviation is accepted
8:38: baseline.2.link: "somewhere" is not an http or https URL; write it as https://host/path
9:5: baseline.3: duplicate entry for ERR-03, first on line 8
10:5: baseline.4.check: missing
11:4: baseline.5: an empty entry`},

		{name: "verification", text: minimal + `
verification:
  drivers: [browser, chrome, browser, hook]
  locale: english please
  consent: sometimes
`,
			want: `
5:1: verification.hook: missing; the driver hook needs a command or a url
6:22: verification.drivers.1: unknown value "chrome"; expected browser, forms, hook, manual
6:30: verification.drivers.2: duplicate driver browser
7:11: verification.locale: "english please" is not a language tag; write it like en-US
8:12: verification.consent: unknown value "sometimes"; expected always, first-time, never, unknown`},
		{name: "no drivers", text: minimal + "verification: {drivers: []}\n",
			want: `4:16: verification.drivers: no driver; leave it out for [browser, forms]`},
		{name: "page without role and condition", text: page(`{}`),
			want: `
5:1: verification.pages.0.role: missing; expected code, identifier, password, login, mfa, interstitial, code_confirm, consent, success, denied, code_error, login_error, error
5:1: verification.pages.0.when: missing; say how to recognize the page, for example {id: user_code}`},
		{name: "conditions", text: page(`{role: code, when: [{url: x}, {visible: true}, {css: "a["}, {title: "("}, {text: x, visible: true}]}`),
			want: `
5:31: verification.pages.0.when.1: no condition; give one of css, id, name, url, title, text
5:41: verification.pages.0.when.1.visible: visible needs an element; give css, id or name
5:54: verification.pages.0.when.2.css: "a[" is not a CSS selector: expected identifier, found EOF instead
5:69: verification.pages.0.when.3.title: not a regular expression: missing closing ): ` + "`(`" + `
5:94: verification.pages.0.when.4.visible: visible needs an element; give css, id or name`},
		{name: "single condition", text: page(`{role: code, when: {visible: false}}`),
			want: `
5:14: verification.pages.0.when: no condition; give one of css, id, name, url, title, text
5:30: verification.pages.0.when.visible: visible needs an element; give css, id or name`},
		{name: "actions", text: page(`{role: login, when: {id: a}, do: [
{},
{fill: {id: a}, click: {id: b}, with: username},
{fill: {id: a}},
{fill: {id: a}, with: hunter2},
{click: {id: a}, with: username, all: true},
{click: {}},
{click: {id: a, css: b}},
{click: {button: "("}},
{check: {css: "[", nth: -1}, all: true}]}`),
			want: `
6:1: verification.pages.0.do.0: no action; give one of fill, click, check
7:1: verification.pages.0.do.1: more than one action; write one entry for each of fill, click, check
8:1: verification.pages.0.do.2.with: missing; expected user_code, username, password, totp
9:23: verification.pages.0.do.3.with: not the name of a value; expected user_code, username, password, totp
10:24: verification.pages.0.do.4.with: only fill has a value
10:39: verification.pages.0.do.4.all: only fill and check have all
11:2: verification.pages.0.do.5.click: no locator; give one of css, id, name, label, button
12:2: verification.pages.0.do.6.click: more than one locator; give one of css, id, name, label, button
13:18: verification.pages.0.do.7.click.button: not a regular expression: missing closing ): ` + "`(`" + `
14:15: verification.pages.0.do.8.check.css: "[" is not a CSS selector: expected identifier, found EOF instead
14:25: verification.pages.0.do.8.check.nth: expected 0 or more, found -1`},
		{name: "actions of roles", text: page(`{role: success, when: {id: a}, do: [{click: {id: a}}]},
{role: consent, when: {id: a}, do: [{click: {id: a}}]},
{role: code, when: {id: a}, approve: [{click: {id: a}}]},
{role: consent, when: {id: a}, deny: [{click: {id: a}}], no_deny: true},
{role: cosent, when: {id: a}}`),
			want: `
5:1: verification.pages.0: the role success ends the journey and has no actions
6:32: verification.pages.1.do: the role consent has approve and deny instead
7:1: verification.pages.2: approve and deny belong to code_confirm and consent; the role code has do
8:32: verification.pages.3.deny: no_deny says that there is no way to deny
9:8: verification.pages.4.role: unknown value "cosent"; expected code, identifier, password, login, mfa, interstitial, code_confirm, consent, success, denied, code_error, login_error, error`},
		{name: "form fields", text: page(`{role: login, when: {id: a}, http: {set: {u: username, p: hunter2}, deny: {d: "=no", e: no}}}`),
			want: `
5:59: verification.pages.0.http.set.p: not the name of a value; expected user_code, username, password, totp, or =text for literal text
5:89: verification.pages.0.http.deny.e: not the name of a value; expected user_code, username, password, totp, or =text for literal text`},
		{name: "hook with both", text: minimal + "verification: {hook: {command: [a], url: \"https://a.example\"}}\n",
			want: `4:16: verification.hook: both command and url; give only one`},
		{name: "hook with neither", text: minimal + "verification: {drivers: [hook], hook: {}}\n",
			want: `4:33: verification.hook.command: missing; give command or url`},
		{name: "hook's parts", text: minimal + "verification: {hook: {url: hook, method: \"A B\", headers: {a b: c}}}\n",
			want: `
4:28: verification.hook.url: "hook" is not an http or https URL; write it as https://host/path
4:42: verification.hook.method: "A B" is not an HTTP method
4:64: verification.hook.headers.a b: not a header name`},
		{name: "command with a body", text: minimal + "verification: {hook: {command: [a], body: x}}\n",
			want: `4:16: verification.hook: method, headers and body belong to url, not to command`},

		{name: "overrides", text: minimal + "scopes: [a]\n",
			set: []string{"nonsense", "=x", "limits.rat=5", "clients.pubic.id=x", "scopes.5=x", "scopes.x=y", "title.x=y",
				"issuer.x=y", "users.first.password=hunter2", "scopes={a", "limits.rate=much", "verification.pages.0.when.cs=x"},
			want: `
--set: =x: expected key=value
--set: clients.pubic: unknown key; did you mean "public"?
--set: issuer.x: there is no key "x" inside a single value
--set: limits.rat: unknown key; did you mean "rate"?
--set: limits.rate: expected a number, found "much"
--set: nonsense: expected key=value
--set: scopes: not YAML: did not find expected ',' or '}'
--set: scopes.5: expected an element number from 0 to 1, found "5"
--set: scopes.x: expected an element number from 0 to 1, found "x"
--set: title.x: there is no key "x" inside a single value
--set: users.first.password: a profile cannot contain a secret; write {env: DEVICEGRANT_PASSWORD}
--set: users.first.username: missing
--set: verification.pages.0.role: missing; expected code, identifier, password, login, mfa, interstitial, code_confirm, consent, success, denied, code_error, login_error, error
--set: verification.pages.0.when.cs: unknown key; did you mean "css"?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := loadText(test.text, Options{Set: test.set, Getenv: func(name string) string {
				if strings.HasPrefix(name, "UNSET") {
					return ""
				}
				return environment(name)
			}, ReadFile: func(name string) ([]byte, error) {
				switch name {
				case "empty.txt":
					return []byte("\n"), nil
				case "large.txt":
					return make([]byte, maxSecret+1), nil
				case "gone.txt":
					return nil, fs.ErrNotExist
				case "locked.txt":
					return nil, fs.ErrPermission
				}
				return files(name)
			}})
			if err == nil {
				t.Fatal("it loads")
			}
			got := strings.ReplaceAll("\n"+err.Error(), "\ntest.yaml:", "\n")
			want := "\n" + strings.ReplaceAll(strings.TrimPrefix(test.want, "\n"), "test.yaml:", "")
			if got != want {
				t.Errorf("got%s\nwant%s", got, want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the message quotes a secret")
			}
		})
	}
}

// TestExpensiveProfiles are small texts that would be large in memory.
func TestExpensiveProfiles(t *testing.T) {
	var laughs, variables strings.Builder
	laughs.WriteString("a0: &a0 [x]\n")
	variables.WriteString(minimal + "vars:\n  v0: xxxxxxxxxxxxxxxx\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&laughs, "a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
		fmt.Fprintf(&variables, "  v%d: ${v%d}${v%d}\n", i, i-1, i-1)
	}
	for name, test := range map[string]struct{ text, want string }{
		"aliases":   {laughs.String(), "too many aliases"},
		"itself":    {"a: &a [*a]\n", "nested too deeply"},
		"depth":     {minimal + "vars: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "nested too deeply"},
		"values":    {minimal + "scopes: [" + strings.Repeat("a,", 60_000) + "]", "too many values"},
		"size":      {minimal + "#" + strings.Repeat("x", maxFile), "larger than"},
		"variables": {variables.String(), "the variables expand to more than"},
		"problems":  {strings.Repeat("? [a]\n: b\n", 10_000), "expected a key"},
	} {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			_, err := loadText(test.text, Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%.300v", err)
			}
			if err != nil && strings.Count(err.Error(), "\n") >= maxProblems {
				t.Error("more problems than anybody reads")
			}
			// What is not bounded takes hours; a busy machine takes seconds.
			if took := time.Since(started); took > time.Minute {
				t.Errorf("to refuse it took %v: the work is not bounded", took)
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range Names() {
		text, err := Shipped(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "limits.rate=5")
	}
	f.Add(minimal, "verification.pages.0.when.id=x")
	f.Add("a: &a [*a]", "scopes=[*a]")
	f.Add("vars: {a: \"${a}\"}\n---\n", "users.first={username: {}}")
	f.Fuzz(func(t *testing.T, text, override string) {
		p, err := loadText(text, Options{Set: []string{override}})
		if (p == nil) == (err == nil) {
			t.Errorf("profile %v and error %v", p, err)
		}
	})
}
