package fakeidp

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	sessionLifetime = time.Hour
	// maxEntered bounds the codes that one browser may be deciding about.
	maxEntered = 32
)

// session is one browser. The code has to be entered in the session that
// decides about it.
type session struct {
	id      string
	csrf    string
	expires time.Time
	// user is nil before login. A login starts another session.
	user *User

	mu      sync.Mutex
	entered []entered
}

// entered is a code that was right when the end user submitted it.
type entered struct {
	grant *grant
	// typed says that it did not come with verification_uri_complete.
	typed bool
}

func (s *session) dead(now time.Time) bool { return !now.Before(s.expires) }

// enter remembers a code, and forgets the oldest where there are too many.
func (s *session) enter(g *grant, typed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entered = slices.DeleteFunc(s.entered, func(e entered) bool { return e.grant == g })
	if len(s.entered) == maxEntered {
		s.entered = s.entered[1:]
	}
	s.entered = append(s.entered, entered{g, typed})
}

// enteredCode returns the latest grant that this browser entered with that user
// code in its normal form.
func (s *session) enteredCode(code string) (entered, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range slices.Backward(s.entered) {
		if e.grant.userCode == code {
			return e, true
		}
	}
	return entered{}, false
}

// startSession gives the browser a new session.
func (p *IdP) startSession(w http.ResponseWriter, user *User) *session {
	now := p.clock.Now()
	s := &session{id: randomToken(), csrf: randomToken(), expires: now.Add(sessionLifetime), user: user}
	p.sessions.put(s.id, s, now)
	http.SetCookie(w, &http.Cookie{
		Name:     p.cookieName(),
		Value:    s.id,
		Path:     "/",
		HttpOnly: true,
		Secure:   p.config.secure(),
		// Not Strict: an end user who follows the link of a QR code or a message
		// would have to log in again.
		SameSite: http.SameSiteLaxMode,
	})
	return s
}

// cookieName uses the prefix that ties a cookie to its host, which browsers
// accept over https only. Each issuer of a host has a name of its own: that prefix
// wants the path /, so all of them get all the cookies.
func (p *IdP) cookieName() string {
	name := "devicegrant" + strings.ReplaceAll(p.basePath, "/", "-")
	if p.config.secure() {
		return "__Host-" + name
	}
	return name
}

// session returns the session of the browser, nil if it has none.
func (p *IdP) session(r *http.Request) *session {
	cookie, err := r.Cookie(p.cookieName())
	if err != nil {
		return nil
	}
	s, ok := p.sessions.get(cookie.Value, p.clock.Now())
	if !ok {
		return nil
	}
	return s
}

// loginSession replaces the session by one of user, so that an id which somebody
// planted before the login is worth nothing after it.
func (p *IdP) loginSession(w http.ResponseWriter, old *session, user *User) *session {
	s := p.startSession(w, user)
	old.mu.Lock()
	s.entered = slices.Clone(old.entered)
	old.mu.Unlock()
	p.sessions.remove(old.id)
	return s
}
