package profiles

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShowIsAProfile: what is shown of a shipped profile loads as the same one.
func TestShowIsAProfile(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			o := Options{NoSecrets: true, Set: []string{"limits.rate=7", "limits.timeout=21s"}}
			p, err := Load(name, o)
			if err != nil {
				t.Fatal(err)
			}
			shown, err := p.Show()
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), name+".yaml")
			if err := os.WriteFile(file, shown, 0o600); err != nil {
				t.Fatal(err)
			}
			again, err := Load(file, Options{NoSecrets: true})
			if err != nil {
				t.Fatalf("%v\n%s", err, shown)
			}
			before, _ := p.Record()
			after, _ := again.Record()
			if string(before) != string(after) {
				t.Errorf("%s\nbecame\n%s\nby way of\n%s", before, after, shown)
			}
		})
	}
}

// TestShowOrigins: each value says where it comes from, and no secret is shown.
func TestShowOrigins(t *testing.T) {
	text := `base_url: http://127.0.0.1:1
clients:
  public: {id: tv}
  confidential: {id: screen, secret: {env: DEVICEGRANT_CLIENT_SECRET}}
users:
  first: {username: alice, password: {env: DEVICEGRANT_PASSWORD}}
endpoints:
  token: ${base_url}/token
  device_authorization: ${base_url}/device
scopes: [openid, email]
tls: {allow_http: true}
`
	p, err := Load("my.yaml", Options{
		Set:      []string{"limits.rate=7"},
		Getenv:   func(string) string { return "hunter2" },
		ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Show()
	if err != nil {
		t.Fatal(err)
	}
	shown := string(out)
	for _, want := range []string{
		"token: http://127.0.0.1:1/token # my.yaml:8\n",
		"id: tv # my.yaml:3\n",
		"secret: {env: DEVICEGRANT_CLIENT_SECRET} # my.yaml:4\n",
		"auth: client_secret_basic # default\n",
		"username: alice # my.yaml:6\n",
		"rate: 7 # --set\n",
		"timeout: 15s # default\n",
		"scopes: [openid, email] # my.yaml:10\n",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q in\n%s", want, shown)
		}
	}
	if strings.Contains(shown, "hunter2") {
		t.Errorf("a secret is shown:\n%s", shown)
	}
}
