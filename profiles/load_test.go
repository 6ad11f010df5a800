package profiles

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// minimal is the least that loads. Tests put more lines behind it.
const minimal = `base_url: https://idp.example.com/
issuer: ${base_url}
clients: {public: {id: device}}
`

func TestMinimalProfile(t *testing.T) {
	p, err := loadText(minimal, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "test" || p.Title != "test" || p.Source != "test.yaml" || p.Issuer != "https://idp.example.com" ||
		p.BaseURL != p.Issuer || p.Discovery != "auto" || p.Clients.Public.Auth != AuthNone || p.Clients.Public.DeviceAuth != AuthNone {
		t.Errorf("%+v, public client %+v", p, p.Clients.Public)
	}
	if p.Limits != (Limits{Timeout: 15 * time.Second, Rate: 50, Codes: 100, RefreshGrace: 65 * time.Second, Guesses: 30, RaceWidth: 20, RaceRounds: 10, LoadDevices: 24, Repeat: 4}) {
		t.Errorf("limits %+v", p.Limits)
	}
	v := p.Verification
	if !slices.Equal(v.Drivers, []string{"browser", "forms"}) || !*v.Auto || v.Locale != "en-US" || v.Consent != "unknown" ||
		v.Limits != (JourneyLimits{Step: 10 * time.Second, Journey: time.Minute, Pages: 12}) {
		t.Errorf("verification %+v", v)
	}
}

func TestEndpointsInsteadOfAnIssuer(t *testing.T) {
	p, err := loadText(`
endpoints: {device_authorization: "https://a.example/d", token: "https://a.example/t"}
clients: {public: {id: device, secret: {env: S}, device_auth: none}}
`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c := p.Clients.Public; p.Discovery != "off" || c.Auth != AuthBasic || c.DeviceAuth != AuthNone || c.Secret.Reveal() != "value of S" {
		t.Errorf("discovery %q, client %+v", p.Discovery, c)
	}
}

func TestVariables(t *testing.T) {
	p, err := loadText(`
base_url: https://${host}//
vars: {host: "${tenant}.example.com", tenant: acme, empty: "", blank: , also_empty: "x${empty}y"}
issuer: ${base_url}oidc
clients: {public: {id: "$${tenant}-$-${tenant}$"}}
scopes: [openid, "${empty}", "${tenant}:read"]
request: {token: {params: {a: "", b: "${blank}", c: "${tenant}", d: "${also_empty}"}}}
limits: {rate: "${empty}"}
`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	params := p.Request.Token.Params
	_, hasB := params["b"]
	_, hasD := params["d"]
	if p.Issuer != "https://acme.example.com/oidc" || p.Clients.Public.ID != "${tenant}-$-acme$" ||
		!slices.Equal(p.Scopes, []string{"openid", "acme:read"}) || len(params) != 2 || hasB || hasD || p.Limits.Rate != 50 {
		t.Errorf("issuer %q, client %q, scopes %q, params %q, rate %v", p.Issuer, p.Clients.Public.ID, p.Scopes, params, p.Limits.Rate)
	}
}

func TestAliasesAreCopies(t *testing.T) {
	p, err := loadText(minimal+`
users: {first: &someone {username: alice, password: {env: P}}, wrong: *someone}
`, Options{Set: []string{"users.wrong.username=mallory", "users.wrong.password.generate=true"}})
	if err != nil {
		t.Fatal(err)
	}
	if first, wrong := p.Users.First, p.Users.Wrong; first.Username.Reveal() != "alice" || wrong.Username.Reveal() != "mallory" ||
		first.Password.Env != "P" || wrong.Password.Env != "" || wrong.Password.Reveal() == "" {
		t.Errorf("first %#v, wrong %#v", first, wrong)
	}
}

func TestSecondSpellings(t *testing.T) {
	p, err := loadText(minimal+`
verification:
  pages:
    - {role: code, when: {id: a.b}}
    - {role: consent, when: [{id: c}, {name: d}], deny: none}
`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	pages := p.Verification.Pages
	if len(pages[0].When) != 1 || pages[0].When[0].ID != "a.b" || len(pages[1].When) != 2 || !pages[1].NoDeny || pages[0].NoDeny {
		t.Errorf("%+v", pages)
	}
	if pages[0].Line != 7 || pages[1].Line != 8 {
		t.Errorf("lines %d and %d", pages[0].Line, pages[1].Line)
	}
}

func TestBaselineKnowsItsLines(t *testing.T) {
	p, err := loadText(minimal+`
baseline:
  - {check: ERR-01, reason: x}
  - check: POLL-03
    code: late
    expect: n/a
    reason: y
`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if b := p.Baseline; b[0].Line != 6 || b[0].Expect != "fail" || b[1].Line != 7 || b[1].Expect != "n/a" {
		t.Errorf("%+v", b)
	}
}

func TestSet(t *testing.T) {
	p, err := loadText(minimal+"scopes: [a, b]\nlimits: {rate: 1}\n", Options{Set: []string{
		"base_url=https://other.example/",
		"vars.tenant=acme: # taken as it is",
		"limits.rate=5",
		"limits.timeout=2s",
		"clients.public.id=null",
		"clients.second.id=second-${tenant}",
		"clients.confidential={id: c, secret: {env: S}}",
		"clients.confidential.secret.file=secret.txt",
		"scopes.1=c",
		"scopes.2=d",
		"clients.second.scopes=[x, y]",
		"request.token.headers.X.Dotted=1",
		"verification.auto=false",
		"verification.pages.0={role: code}",
		"verification.pages.0.when.id=a",
		"verification.pages.0.when.1.css=form",
		"tls.allow_http=",
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := p.Clients
	if p.Issuer != "https://other.example" || p.Vars["tenant"] != "acme: # taken as it is" || p.Limits.Rate != 5 ||
		p.Limits.Timeout != 2*time.Second || c.Public.ID != "null" || !slices.Equal(p.Scopes, []string{"a", "c", "d"}) ||
		!slices.Equal(c.Second.Scopes, []string{"x", "y"}) || p.Request.Token.Headers["X.Dotted"].Reveal() != "1" || *p.Verification.Auto ||
		len(p.Verification.Pages[0].When) != 2 || c.Second.ID != "second-acme: # taken as it is" {
		t.Errorf("%+v, clients %+v %+v", p, c.Public, c.Second)
	}
	if s := c.Confidential.Secret; s.Env != "" || s.Reveal() != "content of secret.txt" {
		t.Errorf("confidential secret: env %q, file %q, value %q", s.Env, s.File, s.Reveal())
	}
}

func TestSetRemovesAnEntry(t *testing.T) {
	p, err := loadText(minimal+"expiry: {client: {id: x}}\n", Options{Set: []string{"expiry="}})
	if err != nil || p.Expiry != nil {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestPathsAreRelativeToTheProfile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("password.txt", "two\nlines\r\n")
	ca := write("ca.pem", testCA)
	absolute := write("absolute.txt", "secret")
	path := write("my.server.yaml", minimal+`
users: {first: {username: alice, password: {file: password.txt}}, second: {username: {file: `+absolute+`}, password: {generate: true}}}
tls: {ca_file: ca.pem}
`)
	p, err := Load(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "my.server" || p.Users.First.Password.Reveal() != "two\nlines" || p.Users.Second.Username.Reveal() != "secret" || p.TLS.CAFile != ca {
		t.Errorf("name %q, password %q, user %q, CA %q", p.Name, p.Users.First.Password.Reveal(), p.Users.Second.Username.Reveal(), p.TLS.CAFile)
	}
}

func TestHookProgramIsRelativeToTheProfile(t *testing.T) {
	for given, want := range map[string]string{"./decide.sh": "./decide.sh", "sub/../x": "./x", "sh": "sh", "/bin/sh": "/bin/sh"} {
		p, err := loadText(minimal+"verification: {hook: {command: ["+given+", -c]}}\n", Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Verification.Hook.Command[0]; got != want {
			t.Errorf("%s became %s, not %s", given, got, want)
		}
	}
	if got := program("dir", "./decide.sh"); got != "dir/decide.sh" {
		t.Errorf("in another folder: %s", got)
	}
}

func TestOptionalEntriesAreDropped(t *testing.T) {
	p, err := loadText(minimal+`
  # Each needs something that is not there.
users:
  first: {username: alice, password: {env: A}, optional: true}
  second: {username: {env: B}, password: {file: gone.txt}, optional: true}
expiry: {client: {id: x, secret: {env: C}, optional: true}}
`, Options{
		Getenv:   func(name string) string { return map[string]string{"B": "bob"}[name] },
		ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist },
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"users.first: A is not set", "users.second: gone.txt does not exist", "expiry: C is not set"}
	if p.Users != (Users{}) || p.Expiry != nil || !slices.Equal(p.Dropped, want) {
		t.Errorf("users %+v, expiry %+v, dropped %q", p.Users, p.Expiry, p.Dropped)
	}
}

func TestNoSecretsReadsNothing(t *testing.T) {
	p, err := loadText(minimal+`
users: {first: {username: alice, password: {env: A}, optional: true}, wrong: {username: {file: f}, password: {generate: true}}}
tls: {ca_file: gone.pem}
`, Options{
		NoSecrets: true,
		Getenv:    func(string) string { t.Error("the environment was read"); return "" },
		ReadFile:  func(name string) ([]byte, error) { t.Error("read", name); return nil, fs.ErrNotExist },
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.Users.First == nil || p.Users.First.Username.Reveal() != "alice" || p.Users.Wrong.Password.Reveal() != "" {
		t.Errorf("%+v", p.Users)
	}
}

func TestGeneratedSecretsDiffer(t *testing.T) {
	p, err := loadText(minimal+`
users: {first: {username: a, password: {generate: true}}, second: {username: b, password: {generate: true}}}
`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := p.Users.First.Password.Reveal(), p.Users.Second.Password.Reveal(); len(a) < 16 || a == b {
		t.Errorf("%q and %q", a, b)
	}
}

func TestMissingFile(t *testing.T) {
	_, err := Load("gone.yaml", Options{})
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "gone.yaml: cannot read the profile: no such file") {
		t.Errorf("%v", err)
	}
}

func TestHugeFileIsNotReadWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.yaml")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 40); err != nil { // sparse
		t.Skip("no sparse files here: ", err)
	}
	_, err = Load(path, Options{})
	if err == nil || !strings.HasSuffix(err.Error(), ": the file is larger than 1048576 bytes") {
		t.Errorf("%v", err)
	}
}
