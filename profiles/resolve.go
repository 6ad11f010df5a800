package profiles

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxSecret bounds the file of one secret.
const maxSecret = 64 << 10 // bytes

// fillSecret decodes where a secret comes from. Its messages never quote what
// stands there: it may be the secret.
func (d *document) fillSecret(path string, node *yaml.Node, target reflect.Value, plain bool) {
	secret := target.Addr().Interface().(*Secret)
	if node.Kind == yaml.ScalarNode && plain {
		if text, ok := d.text(path, node, "a string"); ok && text != "" {
			*secret = NewSecret(text)
			secret.plain = true
		}
		return
	}
	if node.Kind != yaml.MappingNode {
		d.reportAt(path, "a profile cannot contain a secret", "write {env: DEVICEGRANT_"+envName(path)+"}")
		return
	}
	d.fillStruct(path, node, target)
	sources := 0
	for _, given := range []bool{secret.Env != "", secret.File != "", secret.Generate} {
		if given {
			sources++
		}
	}
	if sources != 1 && !d.troubled(path) {
		d.reportAt(path, "expected one of env, file and generate", "write {env: DEVICEGRANT_"+envName(path)+"}")
	}
}

// envName proposes a variable for the secret at a path.
func envName(path string) string {
	path = strings.TrimPrefix(path, "tenant.")
	switch {
	case strings.HasPrefix(path, "users.") && strings.HasSuffix(path, ".username"):
		return "USER"
	case strings.HasPrefix(path, "users.") && strings.HasSuffix(path, ".totp"):
		return "TOTP"
	case strings.HasPrefix(path, "users."):
		return "PASSWORD"
	default:
		return "CLIENT_SECRET"
	}
}

// secretReader reads the values of secrets.
type secretReader struct {
	getenv   func(string) string
	readFile func(string) ([]byte, error)
	dir      string // where relative paths start
}

// missing is why a secret has no value, and what to do about it.
type missing struct{ message, hint string }

// read gives a secret its value; nil when it has one.
func (r secretReader) read(s *Secret) *missing {
	var value string
	switch {
	case s.Env != "":
		if value = r.getenv(s.Env); value == "" {
			return &missing{s.Env + " is not set", "export " + s.Env + "=..."}
		}
	case s.File != "":
		path := below(r.dir, s.File)
		content, err := r.readFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &missing{s.File + " does not exist", "it is looked for at " + path}
		case err != nil:
			return &missing{"cannot read " + s.File + ": " + err.Error(), ""}
		case len(content) > maxSecret:
			return &missing{fmt.Sprintf("%s is larger than %d bytes", s.File, maxSecret), ""}
		}
		content = bytes.TrimSuffix(bytes.TrimSuffix(content, []byte("\n")), []byte("\r"))
		if value = string(content); value == "" {
			return &missing{s.File + " is empty", ""}
		}
	case s.Generate:
		value = rand.Text()
	default:
		return nil // a plain name, or nothing: validation says so
	}
	s.value = &value
	return nil
}

// resolveSecrets reads every secret of the profile. An optional entry whose
// secret is not there is dropped; any other is a problem.
func (d *document) resolveSecrets(p *Profile, r secretReader) {
	for _, c := range p.Clients.all() {
		if client := *c.entry; client != nil {
			if d.drops(p, r, c.path, client.Optional, client.secrets("")...) {
				*c.entry = nil
			} else {
				d.readKeys(c.path, client)
			}
		}
	}
	for _, u := range p.Users.all() {
		if user := *u.entry; user != nil {
			if d.drops(p, r, u.path, user.Optional, user.secrets("")...) {
				*u.entry = nil
			} else {
				d.checkTOTP(u.path, user)
			}
		}
	}
	if p.Expiry != nil && p.Expiry.Client != nil {
		client := p.Expiry.Client
		if d.drops(p, r, "expiry", client.Optional, client.secrets("client.")...) {
			p.Expiry = nil
		} else {
			d.readKeys("expiry.client", client)
		}
	}
	for path, list := range p.additions() {
		for name, value := range list {
			if !value.plain && !d.drops(p, r, path, false, secretAt{name, &value}) {
				d.checkHeader(join(path, name), name, value)
				list[name] = value
			}
		}
	}
	if p.Tenant != nil {
		secrets, optional := p.Tenant.secrets()
		if d.drops(p, r, "tenant", optional, secrets...) {
			p.Tenant = nil
		} else {
			d.readKeys("tenant.clients.public", p.Tenant.Clients.Public)
			if u := p.Tenant.Users.First; u != nil {
				d.checkTOTP("tenant.users.first", u)
			}
		}
	}
}

// additions are the headers and parameters of the profile that may be secrets.
func (p *Profile) additions() map[string]map[string]Secret {
	list := map[string]map[string]Secret{
		"request.device_authorization.params": p.Request.DeviceAuthorization.Params, "request.device_authorization.headers": p.Request.DeviceAuthorization.Headers,
		"request.token.params": p.Request.Token.Params, "request.token.headers": p.Request.Token.Headers,
	}
	if p.Verification.Hook != nil {
		list["verification.hook.headers"] = p.Verification.Hook.Headers
	}
	return list
}

// secrets are those of the second tenant, and whether it may do without.
func (t *Tenant) secrets() (list []secretAt, optional bool) {
	if c := t.Clients.Public; c != nil && c.Authenticates() {
		list, optional = append(list, c.secrets("clients.public.")...), c.Optional
	}
	if u := t.Users.First; u != nil {
		list = append(list, u.secrets("users.first.")...)
		optional = optional || u.Optional
	}
	return list, optional
}

// secrets are those of the account, with their keys below a prefix.
func (u *User) secrets(prefix string) []secretAt {
	return []secretAt{{prefix + "username", &u.Username}, {prefix + "password", &u.Password}, {prefix + "totp", &u.TOTP}}
}

// secretAt is a secret and its key below an entry.
type secretAt struct {
	key    string
	secret *Secret
}

// drops reads the secrets of one entry and says whether the run goes without it.
func (d *document) drops(p *Profile, r secretReader, path string, optional bool, secrets ...secretAt) bool {
	for _, s := range secrets {
		trouble := r.read(s.secret)
		if trouble == nil {
			continue
		}
		if optional {
			p.Dropped = append(p.Dropped, path+": "+trouble.message)
			return true
		}
		hint := trouble.hint
		if path != "clients.public" {
			hint = strings.TrimPrefix(hint+", or remove "+path, ", or ")
		}
		d.reportAt(join(path, s.key), trouble.message, hint)
	}
	return false
}

// named is an entry of the profile that may be absent, and its path.
type named[T any] struct {
	path  string
	entry **T
}

func (c *Clients) all() []named[Client] {
	return []named[Client]{
		{"clients.public", &c.Public},
		{"clients.second", &c.Second},
		{"clients.confidential", &c.Confidential},
		{"clients.not_allowed", &c.NotAllowed},
		{"clients.reserved", &c.Reserved},
		{"clients.keyed", &c.Keyed},
	}
}

func (u *Users) all() []named[User] {
	return []named[User]{
		{"users.first", &u.First},
		{"users.second", &u.Second},
		{"users.third", &u.Third},
		{"users.wrong", &u.Wrong},
	}
}
