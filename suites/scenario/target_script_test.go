package scenario

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/devicegrant/devicegrant/profiles/clientkey"
)

// idp is a whole device grant server in memory, well-behaved unless a field
// says otherwise. It enforces the interval and what each slow_down adds, so
// that a slow_down nobody asked for shows that a scenario lost its pace.
type idp struct {
	// interval and lifetime are what the codes say, in seconds; 0: 5 and 600.
	interval, lifetime int
	// polls are what the nth code, from 1, is answered first, before its state
	// counts: error codes, or a number for a status without one.
	polls func(n int) []string
	// unthrottled lets anybody poll as fast as they like.
	unthrottled bool
	// lenient issues codes whatever the scope, and to clients without the grant.
	lenient bool
	// strict refuses device access token requests that name a scope, and generous
	// gives whatever scope a refresh names.
	strict, generous bool
	// plain sends no verification_uri_complete and no refresh tokens.
	plain bool
	// meddle answers a request in place of the server when it returns true; n
	// counts the requests from 1.
	meddle func(n int, w http.ResponseWriter, r *http.Request) bool

	mu     sync.Mutex
	base   string // "http://scripted"
	heard  int
	codes  map[string]*code
	order  []*code
	tokens map[string]*token
	proofs map[string]bool
	// assertions are the jti of those that were used.
	assertions map[string]bool
}

// code is one grant under way.
type code struct {
	device, user, client, scope, challenge string
	issued, last                           time.Time
	window                                 time.Duration
	polls                                  []string
	state, owner                           string // state: pending, approved, denied, used
}

// token is an access token or a refresh token.
type token struct {
	client, scope, owner, bound string
	refresh, dead               bool
}

const (
	knownScopes = "openid profile email"
	secretBox   = "s3cr3t-of-the-box"
	secretNope  = "s3cr3t-of-nobody"
	secretLock  = "s3cr3t-of-the-lock-which-is-32-bytes"
	secretOdd   = "s3cr3t:of%the odd+one"
	proofNonce  = "nonce-1"
)

// secretOf are the registered clients with their secrets.
var secretOf = map[string]string{"tv": "", "second-tv": "", "box": secretBox, "nope": secretNope, "odd:100% a+b": secretOdd, "their-tv": ""}

// lockKey signs the assertions of the client lock.
var lockKey = func() *clientkey.Key {
	key, err := clientkey.FromSecret(secretLock, "")
	if err != nil {
		panic(err)
	}
	return key
}()

// asserted says whether an assertion of the client lock is good. The clock of these
// tests does not move between its making and now.
func (s *idp) asserted(text string) bool {
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return false
	}
	payload, err := signed.Verify([]byte(secretLock))
	var c struct {
		Issuer    string `json:"iss"`
		Audience  string `json:"aud"`
		ID        string `json:"jti"`
		Expires   int64  `json:"exp"`
		NotBefore int64  `json:"nbf"`
	}
	if err != nil || json.Unmarshal(payload, &c) != nil || c.Issuer != "lock" || c.Audience != s.base || s.assertions[c.ID] {
		return false
	}
	if s.assertions == nil {
		s.assertions = map[string]bool{}
	}
	s.assertions[c.ID] = true
	now := time.Now().Unix()
	return c.Expires > now && c.NotBefore <= now
}

func (s *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // the suite's own requests
	s.mu.Lock()
	s.heard++
	n := s.heard
	s.mu.Unlock()
	if s.meddle != nil && s.meddle(n, w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	form, err := url.ParseQuery(string(body))
	path := strings.TrimPrefix(r.URL.Path, "/there")
	switch {
	case strings.Contains(path, "/.well-known/"):
		s.document(w, r.URL.Path)
		return
	case path == "/activate":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<form><input name=user_code></form>")
		return
	case path == "/jwks":
		say(w, 200, map[string]any{"keys": []any{}})
		return
	case path == "/userinfo":
		t := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if t == nil || t.dead || t.refresh {
			refuse(w, 401, "invalid_token")
			return
		}
		say(w, 200, map[string]any{"sub": t.owner})
		return
	case r.Method != http.MethodPost:
		w.WriteHeader(405)
		return
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || err != nil || repeats(form):
		refuse(w, 400, "invalid_request")
		return
	}
	client, status, problem := s.client(r, form)
	if problem != "" {
		refuse(w, status, problem)
		return
	}
	if there := strings.HasPrefix(r.URL.Path, "/there/"); there != (client == "their-tv") {
		refuse(w, 401, "invalid_client")
		return
	}
	switch path {
	case "/device":
		s.issue(w, r, client, form)
	case "/token":
		s.token(w, r, client, form)
	case "/introspect":
		t := s.tokens[form.Get("token")]
		if t == nil || t.dead || secretOf[client] == "" {
			say(w, 200, map[string]any{"active": false})
			return
		}
		say(w, 200, map[string]any{"active": true, "sub": t.owner, "scope": t.scope, "client_id": t.client})
	case "/revoke":
		if t := s.tokens[form.Get("token")]; t != nil && t.client == client {
			t.dead = true
		}
	default:
		w.WriteHeader(404)
	}
}

// repeats says that a parameter that counts is there more than once.
func repeats(form url.Values) bool {
	for _, values := range form {
		if len(values) > 1 {
			return true
		}
	}
	return false
}

// client authenticates one, or says why not.
func (s *idp) client(r *http.Request, form url.Values) (id string, status int, problem string) {
	id = form.Get("client_id")
	given := form.Get("client_secret")
	if user, password, basic := r.BasicAuth(); basic {
		user, _ = url.QueryUnescape(user)
		password, _ = url.QueryUnescape(password)
		if given != "" || id != "" && id != user {
			return "", 400, "invalid_request"
		}
		id, given = user, password
	}
	if text := form.Get("client_assertion"); text != "" {
		if id != "lock" || !s.asserted(text) {
			return "", 401, "invalid_client"
		}
		return id, 0, ""
	}
	if secret, known := secretOf[id]; !known || secret != given {
		return "", 401, "invalid_client"
	}
	return id, 0, ""
}

func (s *idp) issue(w http.ResponseWriter, r *http.Request, client string, form url.Values) {
	if client == "nope" && !s.lenient {
		refuse(w, 400, "unauthorized_client")
		return
	}
	for _, scope := range strings.Fields(form.Get("scope")) {
		if !slices.Contains(strings.Fields(knownScopes), scope) && !s.lenient {
			refuse(w, 400, "invalid_scope")
			return
		}
	}
	if at := form.Get("resource"); at != "" && at != "https://api.test/" {
		refuse(w, 400, "invalid_target")
		return
	}
	if d := form.Get("authorization_details"); d != "" && d != `[{"type":"known"}]` {
		refuse(w, 400, "invalid_authorization_details")
		return
	}
	if s.codes == nil {
		s.codes, s.tokens, s.proofs = map[string]*code{}, map[string]*token{}, map[string]bool{}
	}
	n := len(s.order)
	sum := sha256.Sum256(fmt.Append(nil, n))
	letters := []byte("ABCD-EFGH")
	for i := range letters {
		if letters[i] != '-' {
			letters[i] = "BCDFGHJKLMNPQRSTVWXZ"[sum[i]%20]
		}
	}
	interval, lifetime := s.interval, s.lifetime
	if interval == 0 {
		interval = 5
	}
	if lifetime == 0 {
		lifetime = 600
	}
	c := &code{device: fmt.Sprintf("Device-Code-%03d-%X", n, sum[20:28]), user: string(letters), client: client, scope: form.Get("scope"),
		challenge: form.Get("code_challenge"), issued: time.Now(), window: time.Duration(interval) * time.Second, state: "pending"}
	if s.polls != nil {
		c.polls = s.polls(n + 1)
	}
	s.codes[c.device], s.order = c, append(s.order, c)
	page := s.base + strings.TrimSuffix(r.URL.Path, "device") + "activate"
	answer := map[string]any{"device_code": c.device, "user_code": c.user, "verification_uri": page, "expires_in": lifetime, "interval": interval}
	if !s.plain {
		answer["verification_uri_complete"] = page + "?user_code=" + c.user
	}
	say(w, 200, answer)
}

func (s *idp) token(w http.ResponseWriter, r *http.Request, client string, form url.Values) {
	switch form.Get("grant_type") {
	case GrantType:
	case "refresh_token":
		s.refresh(w, client, form)
		return
	case "":
		refuse(w, 400, "invalid_request")
		return
	default:
		refuse(w, 400, "unsupported_grant_type")
		return
	}
	if form.Get("device_code") == "" {
		refuse(w, 400, "invalid_request")
		return
	}
	c := s.codes[form.Get("device_code")]
	if c == nil || c.client != client {
		refuse(w, 400, "invalid_grant")
		return
	}
	if s.strict && form.Has("scope") {
		refuse(w, 400, "invalid_scope")
		return
	}
	bound, problem := s.proof(r)
	if problem != "" {
		w.Header().Set("DPoP-Nonce", proofNonce)
		refuse(w, 400, problem)
		return
	}
	now := time.Now()
	if len(c.polls) > 0 {
		next := c.polls[0]
		c.polls = c.polls[1:]
		if status := 0; !strings.Contains(next, "_") {
			_, _ = fmt.Sscan(next, &status)
			w.WriteHeader(status)
			return
		}
		if next == "slow_down" {
			c.window += 5 * time.Second
		}
		c.last = now
		refuse(w, 400, next)
		return
	}
	early := !s.unthrottled && !c.last.IsZero() && now.Sub(c.last) < c.window
	c.last = now
	switch {
	case c.state == "used":
		refuse(w, 400, "invalid_grant")
	case now.Sub(c.issued) >= s.life():
		refuse(w, 400, "expired_token")
	case early && c.state == "pending":
		c.window += 5 * time.Second
		refuse(w, 400, "slow_down")
	case c.state == "pending":
		refuse(w, 400, "authorization_pending")
	case c.state == "denied":
		refuse(w, 400, "access_denied")
	case c.challenge != "" && c.challenge != challengeOf(form.Get("code_verifier")):
		refuse(w, 400, "invalid_grant")
	default:
		c.state = "used"
		s.grant(w, &token{client: client, scope: c.scope, owner: c.owner, bound: bound})
	}
}

func (s *idp) life() time.Duration {
	if s.lifetime == 0 {
		return 600 * time.Second
	}
	return time.Duration(s.lifetime) * time.Second
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// proof is whose key a DPoP proof names, or what is wrong with it. Signatures
// are not looked at.
func (s *idp) proof(r *http.Request) (bound, problem string) {
	all := r.Header.Values("DPoP")
	if len(all) == 0 {
		return "", ""
	}
	var header, claims map[string]any
	parts := strings.Split(all[0], ".")
	for i, into := range []*map[string]any{&header, &claims} {
		part, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(part, into) != nil {
			return "", "invalid_dpop_proof"
		}
	}
	key, _ := header["jwk"].(map[string]any)
	_, private := key["d"]
	issued, _ := claims["iat"].(float64)
	id, _ := claims["jti"].(string)
	switch {
	case len(all) > 1 || private || header["typ"] != "dpop+jwt" || header["alg"] != "ES256" || claims["htm"] != "POST" || claims["htu"] != s.base+r.URL.Path,
		time.Since(time.Unix(int64(issued), 0)) > time.Minute:
		return "", "invalid_dpop_proof"
	case claims["nonce"] != proofNonce:
		return "", "use_dpop_nonce"
	case s.proofs[id]:
		return "", "invalid_dpop_proof"
	}
	s.proofs[id] = true
	return fmt.Sprint(key["x"]), ""
}

func (s *idp) refresh(w http.ResponseWriter, client string, form url.Values) {
	t := s.tokens[form.Get("refresh_token")]
	if t == nil || t.dead || !t.refresh || t.client != client {
		refuse(w, 400, "invalid_grant")
		return
	}
	for _, scope := range strings.Fields(form.Get("scope")) {
		if !slices.Contains(strings.Fields(t.scope), scope) && !s.generous {
			refuse(w, 400, "invalid_scope")
			return
		}
	}
	t.dead = true
	s.grant(w, &token{client: client, scope: t.scope, owner: t.owner, bound: t.bound})
}

// grant answers with new tokens.
func (s *idp) grant(w http.ResponseWriter, t *token) {
	access, refresh := fmt.Sprintf("access-token-%03d", len(s.tokens)), fmt.Sprintf("refresh-token-%03d", len(s.tokens))
	s.tokens[access] = t
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "scope": t.scope}
	if !s.plain {
		again := *t
		again.refresh = true
		s.tokens[refresh] = &again
		answer["refresh_token"] = refresh
	}
	say(w, 200, answer)
}

func (s *idp) document(w http.ResponseWriter, path string) {
	at := s.base
	if strings.HasSuffix(path, "/there") || strings.HasPrefix(path, "/there/") {
		at += "/there"
	}
	say(w, 200, map[string]any{
		"issuer": at, "device_authorization_endpoint": at + "/device", "token_endpoint": at + "/token",
		"dpop_signing_alg_values_supported": []string{"ES256"},
	})
}

func say(w http.ResponseWriter, status int, members map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(members) // whoever hung up meant to
}

func refuse(w http.ResponseWriter, status int, problem string) {
	say(w, status, map[string]any{"error": problem})
}

// typed finds the code that somebody typed, in whatever way people type.
func (s *idp) typed(text string) *code {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.order {
		if strings.EqualFold(bareCode(c.user), bareCode(text)) {
			return c
		}
	}
	return nil
}

// decides notes a decision, unless it comes too late.
func (s *idp) decides(c *code, owner, state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.state != "pending" || time.Since(c.issued) >= s.life() {
		return false
	}
	c.state, c.owner = state, owner
	return true
}
