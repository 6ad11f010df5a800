package fakeidp

import (
	"testing"
	"time"
)

func TestNormalizeDrawsSecrets(t *testing.T) {
	given := DefaultConfig()
	given.Issuer = testIssuer
	one, err := given.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	two, err := given.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	for i, client := range one.Clients {
		if client.Public != (client.Secret == "") {
			t.Errorf("client %s is public: %v, and its secret is %q", client.ID, client.Public, client.Secret)
		}
		if !client.Public && client.Secret == two.Clients[i].Secret {
			t.Errorf("client %s has the same secret twice", client.ID)
		}
	}
	alice, ok := one.User("alice")
	if !ok || alice.Password == "" || alice.Password == two.Users[0].Password {
		t.Errorf("alice is %+v", alice)
	}
	if given.Users[0].Password != "" || given.Clients[2].Secret != "" {
		t.Error("Normalize changed its receiver")
	}
	if _, ok := one.Client("nobody"); ok {
		t.Error("nobody is a client")
	}
	again, err := one.Normalize()
	if err != nil || again.Users[0] != one.Users[0] {
		t.Errorf("normalising again changed alice to %+v, %v", again.Users[0], err)
	}
}

func TestBadConfigurations(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no issuer":           func(c *Config) { c.Issuer = "" },
		"relative issuer":     func(c *Config) { c.Issuer = "/x" },
		"issuer with query":   func(c *Config) { c.Issuer = "https://a/?b" },
		"issuer with slash":   func(c *Config) { c.Issuer = "https://a/" },
		"issuer with pattern": func(c *Config) { c.Issuer = "https://a/{b}" },
		"fraction of seconds": func(c *Config) { c.Interval = 1500 * time.Millisecond },
		"negative lifetime":   func(c *Config) { c.DeviceCodeLifetime = -time.Second },
		"silent interval":     func(c *Config) { c.OmitInterval, c.Interval = true, 6*time.Second },
		"two clients":         func(c *Config) { c.Clients = []Client{{ID: "a"}, {ID: "a"}} },
		"public with secret":  func(c *Config) { c.Clients = []Client{{ID: "a", Public: true, Secret: "s"}} },
		"nameless client":     func(c *Config) { c.Clients = []Client{{}} },
		"scope of client":     func(c *Config) { c.Clients = []Client{{ID: "a", Scopes: []string{"zz"}}} },
		"two users":           func(c *Config) { c.Users = []User{{Name: "a"}, {Name: "a"}} },
		"scope syntax":        func(c *Config) { c.Scopes = []Scope{{Name: "a b"}} },
		"two scopes":          func(c *Config) { c.Scopes = []Scope{{Name: "a"}, {Name: "a"}} },
		"default scope":       func(c *Config) { c.DefaultScopes = []string{"zz"} },
		"consent":             func(c *Config) { c.Consent = "never" },
		"alphabet":            func(c *Config) { c.UserCodeAlphabet = "A" },
		"rate":                func(c *Config) { c.ClockRate = -1 },
		"half a key pair":     func(c *Config) { c.CertFile = "a.pem" },
	} {
		config := Config{Issuer: testIssuer}
		spoil(&config)
		if _, err := config.Normalize(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestZeroConfigIsTheDefault(t *testing.T) {
	zero, err := Config{Issuer: testIssuer}.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	def := DefaultConfig()
	if zero.Interval != def.Interval || zero.DeviceCodeLifetime != def.DeviceCodeLifetime ||
		len(zero.Clients) != len(def.Clients) || zero.GuessesPerUser != def.GuessesPerUser {
		t.Errorf("the zero configuration became %+v", zero)
	}
	own, err := Config{Issuer: testIssuer, Scopes: []Scope{{Name: "openid"}, {Name: "mine"}},
		Clients: []Client{{ID: "a", Public: true}}}.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	if len(own.DefaultScopes) != 1 || own.DefaultScopes[0] != "mine" || len(own.Clients[0].Scopes) != 2 {
		t.Errorf("own scopes: default %q, of the client %q", own.DefaultScopes, own.Clients[0].Scopes)
	}
}
