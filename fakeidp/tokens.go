package fakeidp

import (
	"sync"
	"sync/atomic"
	"time"
)

// family is everything that one approval gave: the access and refresh tokens
// that descend from it are revoked together.
type family struct {
	client   *Client
	user     *User
	scopes   []string
	authTime time.Time
	asked    asked
	revoked  atomic.Bool
}

func (f *family) revoke() { f.revoked.Store(true) }

// accessToken is an opaque bearer token (RFC 6750).
type accessToken struct {
	family *family
	scopes []string
	binding
	issued  time.Time
	expires time.Time
	revoked atomic.Bool
}

// binding is what a token is good with only.
type binding struct {
	// key is the thumbprint of DPoP's key, "" for a bearer token.
	key string
	// certificate is the thumbprint of the client's certificate (RFC 8705 section
	// 3), "" for none.
	certificate string
}

func (t *accessToken) dead(now time.Time) bool { return !now.Before(t.expires) }

func (t *accessToken) active(now time.Time) bool {
	return !t.revoked.Load() && !t.family.revoked.Load() && !t.dead(now)
}

// refreshToken is replaced each time it is used (RFC 9700 section 4.14.2).
type refreshToken struct {
	family *family
	// key binds the token of a public client (RFC 9449 section 5).
	key     string
	issued  time.Time
	expires time.Time
	mu      sync.Mutex
	used    bool
}

func (t *refreshToken) dead(now time.Time) bool { return !now.Before(t.expires) }

func (t *refreshToken) active(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.used && !t.family.revoked.Load() && !t.dead(now)
}

// use spends the token. A second use revokes the family: one of the two users
// is a thief, and the server cannot tell which.
func (t *refreshToken) use(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used {
		t.family.revoke()
	}
	if t.used || t.family.revoked.Load() || t.dead(now) {
		return false
	}
	t.used = true
	return true
}
