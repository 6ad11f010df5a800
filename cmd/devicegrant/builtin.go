package main

import (
	"fmt"
	"os"

	"github.com/devicegrant/devicegrant/fakeidp"
)

// builtin is the reference server, started for one run on a free loopback port.
type builtin struct {
	*fakeidp.Server
	secrets map[string]string
}

// startBuiltin starts it with secrets that nobody else knows.
func startBuiltin(clockRate float64) (*builtin, error) {
	config := fakeidp.DefaultConfig()
	config.ClockRate = clockRate
	return startBuiltinWith(config)
}

// startBuiltinWith is startBuiltin with settings of the server.
func startBuiltinWith(config fakeidp.Config) (*builtin, error) {
	server, err := fakeidp.Start(config, "127.0.0.1:0", "")
	if err != nil {
		return nil, fmt.Errorf("the built-in server: %w", err)
	}
	config = server.Config()
	b := &builtin{Server: server, secrets: map[string]string{}}
	if c, ok := config.Client("device-confidential"); ok {
		b.secrets["DEVICEGRANT_CLIENT_SECRET"] = c.Secret
	}
	for name, variable := range map[string]string{"alice": "DEVICEGRANT_PASSWORD", "bob": "DEVICEGRANT_PASSWORD2", "carol": "DEVICEGRANT_PASSWORD3"} {
		if u, ok := config.User(name); ok {
			b.secrets[variable] = u.Password
		}
	}
	if t, ok := config.Tenant("/orgs/beta"); ok {
		b.secrets["DEVICEGRANT_PASSWORD4"] = t.Users[0].Password
	}
	return b, nil
}

// getenv is the environment of the profile builtin: its secrets are those of
// the server that was just started.
func (b *builtin) getenv(name string) string {
	if value, ok := b.secrets[name]; ok {
		return value
	}
	return os.Getenv(name)
}
