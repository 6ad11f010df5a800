package fakeidp

import (
	"fmt"
	"slices"
	"strings"
)

// Tenant is another issuer of the same server, below the first issuer: an
// organization, a realm, a workspace. It has its own clients, users, codes,
// tokens, sessions, keys and metadata; only the settings and the clock are
// shared.
type Tenant struct {
	// Path is what its issuer adds to [Config.Issuer], for example "/orgs/beta".
	Path    string
	Clients []Client
	Users   []User
}

// Tenant returns the tenant with that path.
func (c Config) Tenant(path string) (Tenant, bool) {
	i := slices.IndexFunc(c.Tenants, func(t Tenant) bool { return t.Path == path })
	if i < 0 {
		return Tenant{}, false
	}
	return c.Tenants[i], true
}

func (c *Config) checkTenants() error {
	known := map[string]bool{}
	for _, t := range c.Tenants {
		switch {
		case !strings.HasPrefix(t.Path, "/") || strings.HasSuffix(t.Path, "/") || strings.ContainsAny(t.Path, "{}?#% "):
			return fmt.Errorf("the path of a tenant must look like /orgs/beta, found %q", t.Path)
		case known[t.Path]:
			return fmt.Errorf("tenant %q is listed twice", t.Path)
		case len(t.Clients) == 0 || len(t.Users) == 0:
			return fmt.Errorf("tenant %q needs its own clients and users", t.Path)
		}
		known[t.Path] = true
	}
	return nil
}

// addTenants builds a server of its own for each tenant: nothing that is not in
// its stores can be found there.
func (p *IdP) addTenants() error {
	p.config.Tenants = slices.Clone(p.config.Tenants)
	for i := range p.config.Tenants {
		t := &p.config.Tenants[i]
		config := p.config
		config.Issuer += t.Path
		config.Clients, config.Users = t.Clients, t.Users
		config.Tenants, config.Faults, config.Clock = nil, nil, p.clock
		other, err := New(config)
		if err != nil {
			return fmt.Errorf("tenant %s: %w", t.Path, err)
		}
		t.Clients, t.Users = other.config.Clients, other.config.Users
		p.tenants = append(p.tenants, other)
	}
	return nil
}

// mountTenants gives each tenant what lies below its path, and the documents
// whose place RFC 8414 section 3.1 puts before it.
func (p *IdP) mountTenants() {
	for _, t := range p.tenants {
		for _, place := range []string{t.basePath + "/", wellKnownOAuth + t.basePath, wellKnownOpenID + t.basePath} {
			p.mux.Handle(place, t)
		}
	}
}
