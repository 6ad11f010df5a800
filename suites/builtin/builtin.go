// Package builtin starts the built-in reference server for one run, on free
// loopback ports and with random secrets: in this process, or as a child
// process that is measured separately. Both have a method Getenv, which
// provides the environment for loading the shipped profile builtin.
package builtin

import (
	"fmt"
	"os"

	"github.com/devicegrant/devicegrant/fakeidp"
)

// Server is the reference server in this process.
type Server struct {
	*fakeidp.Server
	// Secrets are the server's secrets, by the variables that the profile
	// builtin reads.
	Secrets map[string]string
}

// Start starts the server. Secrets that the configuration does not set are
// random.
func Start(config fakeidp.Config) (*Server, error) {
	server, err := fakeidp.Start(config, "127.0.0.1:0", "")
	if err != nil {
		return nil, fmt.Errorf("the built-in server: %w", err)
	}
	config = server.Config()
	s := &Server{Server: server, Secrets: map[string]string{}}
	if c, ok := config.Client("device-confidential"); ok {
		s.Secrets["DEVICEGRANT_CLIENT_SECRET"] = c.Secret
	}
	for name, variable := range map[string]string{"alice": "DEVICEGRANT_PASSWORD", "bob": "DEVICEGRANT_PASSWORD2", "carol": "DEVICEGRANT_PASSWORD3"} {
		if u, ok := config.User(name); ok {
			s.Secrets[variable] = u.Password
		}
	}
	if t, ok := config.Tenant("/orgs/beta"); ok {
		s.Secrets["DEVICEGRANT_PASSWORD4"] = t.Users[0].Password
	}
	return s, nil
}

// StartDefault starts the server with the default configuration and a clock
// rate.
func StartDefault(clockRate float64) (*Server, error) {
	config := fakeidp.DefaultConfig()
	config.ClockRate = clockRate
	return Start(config)
}

// Getenv reads the environment, extended by the server's secrets.
func (s *Server) Getenv(name string) string { return getenv(s.Secrets, name) }

func getenv(secrets map[string]string, name string) string {
	if value, ok := secrets[name]; ok {
		return value
	}
	return os.Getenv(name)
}
