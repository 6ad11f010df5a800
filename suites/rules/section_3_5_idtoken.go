package rules

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section35Idtoken = []Rule{
	{"TOKEN-15", one(transcript.TokenUse), []string{transcript.Metadata, transcript.Refresh}, idToken},
}

// signatures are the algorithms with which a server can sign an ID token so
// that its public keys prove it.
var signatures = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

const (
	// iatSlack is how far an iat may be from the time of the response.
	iatSlack = time.Hour
	// expSlack forgives the clocks of two machines.
	expSlack = 5 * time.Minute
	maxKeys  = 100
	// maxModulus bounds what one verification can cost.
	maxModulus = 16384
)

// hidden says that a recording no longer holds the value.
func (j *judging) hidden(value string) bool { return j.Redacted && redact.IsMark(value) }

// TOKEN-15
func idToken(j *judging) {
	g, ok := j.grantingOf(tokenUse, labels.Full)
	if !ok {
		j.noToken(labels.Full)
		return
	}
	o, err := g.response.Object()
	if err != nil {
		return
	}
	switch {
	case !slices.Contains(g.requested, "openid"):
		j.notApplicable("the profile's scopes do not include openid")
		return
	case g.declares && !slices.Contains(g.declared, "openid"):
		j.notApplicable("the scope openid was not granted: %s", namedScopes(g.declared))
		return
	case !o.Has("id_token") && j.lateIDToken():
		return
	case !o.Has("id_token") && !j.openIDProvider():
		j.notApplicable("the token response has no id_token, and nothing says that the server is an OpenID provider: there is no OpenID metadata and no userinfo endpoint")
		return
	case !o.Has("id_token"):
		j.warn("absent", "id_token, since openid was granted", "the token response has no id_token", g.response)
		return
	}
	token, ok := o.String("id_token")
	switch {
	case !ok:
		j.fail("not-a-string", "id_token is a string", "id_token is "+string(o.Kind("id_token")), g.response)
	case j.hidden(token) && j.Facts.IDToken != nil:
		j.asNoted(g.response, *j.Facts.IDToken)
	case j.hidden(token):
		j.inconclusive("the ID token is redacted: its signature can no longer be verified")
	default:
		if payload, ok := j.inspect(g.response, token); ok {
			j.claims(g.response, payload)
		}
	}
}

// lateIDToken reports an ID token that comes with the first refresh and not with the
// token: a device that logs its end user in does not wait for that.
func (j *judging) lateIDToken() bool {
	for _, name := range []string{labels.Binding, labels.Replay} {
		g, ok := j.grantingOf(transcript.Refresh, name)
		first := labels.BindingOwner1
		if name == labels.Replay {
			first = labels.ReplayFirst
		}
		refreshed, also := j.maybe(transcript.Refresh, first)
		if !ok || !also || !slices.Contains(g.requested, "openid") {
			continue
		}
		then, err := g.response.Object()
		later, err2 := refreshed.Object()
		if err == nil && err2 == nil && !then.Has("id_token") && later.Has("id_token") {
			j.warn("absent", "id_token beside the access token, since openid was granted", "the token response has no id_token, and the response to its refresh has one", g.response, refreshed)
			return true
		}
	}
	return false
}

// openIDProvider says that something calls the server an OpenID provider: its
// metadata (OpenID Connect Discovery section 3), or a userinfo endpoint. To grant
// a scope of that name does not.
func (j *judging) openIDProvider() bool {
	for _, x := range j.all(transcript.Metadata, labels.Document) {
		o, err := x.Object()
		if err != nil || x.Status != 200 {
			continue
		}
		if scopes, told := o.Strings("scopes_supported"); told && !slices.Contains(scopes, "openid") {
			continue
		}
		if o.Has("id_token_signing_alg_values_supported") || o.Has("userinfo_endpoint") {
			return true
		}
	}
	return j.Endpoints.UserInfo != ""
}

// asNoted judges by what the run noted of an ID token that was redacted since.
func (j *judging) asNoted(x said, facts IDTokenFacts) {
	j.findings = append(j.findings, facts.Findings...)
	for _, reason := range facts.Obstacles {
		j.inconclusive("%s", reason)
	}
	if len(facts.Findings)+len(facts.Obstacles) == 0 {
		j.pass("signed with %s by a key of jwks_uri, according to the run", facts.Alg)
	}
	if facts.Claims != nil {
		j.claims(x, facts.Claims)
	}
}

// inspect is about the token itself. ok says that the claims can be read,
// whatever was found about the rest.
func (j *judging) inspect(x said, token string) (payload []byte, ok bool) {
	if strings.Count(token, ".") == 4 {
		j.inconclusive("the ID token is encrypted")
		return nil, false
	}
	return j.signed(x, token)
}

// signed verifies the signature with the keys of jwks_uri. ok says that the
// claims can be read, whatever was found about the signature.
func (j *judging) signed(x said, token string) (payload []byte, ok bool) {
	header, payload, ok := takeApart(token)
	if !ok {
		j.fail("not-a-jwt", "three parts in base64url, the first two JSON objects", "the ID token is not a signed JWT", x)
		return nil, false
	}
	alg, _ := header.String("alg")
	switch {
	case strings.EqualFold(alg, "none"):
		j.fail("alg-none", "a signature", "the ID token is not signed: alg is none", x)
		return payload, true
	case strings.HasPrefix(alg, "HS"):
		if j.macWithPublicKey(x, token) || j.macForPublicClient(x, alg) {
			return payload, true
		}
		j.inconclusive("the ID token has a MAC (%s): only its client can verify it", alg)
		return payload, true
	case j.Endpoints.JWKS == "":
		j.inconclusive("neither the metadata nor the profile has a jwks_uri")
		return payload, true
	}
	keys, ok := j.first(tokenUse, labels.JWKS)
	if !ok {
		return payload, true
	}
	set, err := keySet(keys.Exchange)
	if err != nil {
		j.fail("no-keys", "a JWK set at jwks_uri", err.Error(), keys)
		return payload, true
	}
	parsed, err := jose.ParseSignedCompact(token, signatures)
	if err != nil {
		j.fail("signature", "a signed JWT", "the ID token cannot be read: "+clip(err.Error()), x)
		return payload, true
	}
	kid, _ := header.String("kid")
	candidates := set
	if kid != "" {
		candidates = slices.DeleteFunc(slices.Clone(set), func(k jose.JSONWebKey) bool { return k.KeyID != kid })
		if len(candidates) == 0 {
			j.fail("unknown-key", fmt.Sprintf("a key with the kid %q at jwks_uri", clip(kid)), fmt.Sprintf("%d keys, none with that kid", len(set)), x, keys)
			return payload, true
		}
	}
	for _, key := range candidates {
		if _, err := parsed.Verify(key.Key); err == nil {
			j.accessTokenHash(x, alg, payload)
			j.pass("signed with %s by a key of jwks_uri", alg)
			return payload, true
		}
	}
	j.fail("signature", "a signature by a key of jwks_uri", "no key there verifies the ID token", x, keys)
	return payload, true
}

// macs are the algorithms with which anybody who knows the key can sign.
var macs = []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512}

// macWithPublicKey says that the key of the MAC is one that everybody can read at
// jwks_uri: whoever reads it can make ID tokens.
func (j *judging) macWithPublicKey(x said, token string) bool {
	keys, ok := j.maybe(tokenUse, labels.JWKS)
	if !ok {
		return false
	}
	set, _ := keySet(keys.Exchange)
	parsed, err := jose.ParseSignedCompact(token, macs)
	if err != nil {
		return false
	}
	for _, key := range set {
		for _, secret := range publicForms(key) {
			if _, err := parsed.Verify(secret); err == nil {
				j.fail("mac-with-public-key", "a signature with a private key", "the key of the MAC is a public key at jwks_uri: everybody can make ID tokens", x, keys)
				return true
			}
		}
	}
	return false
}

// publicForms are the bytes that a public key is written as.
func publicForms(key jose.JSONWebKey) (forms [][]byte) {
	if asJSON, err := key.MarshalJSON(); err == nil {
		forms = append(forms, asJSON)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Key)
	if err != nil {
		return forms
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return append(forms, der, asPEM, bytes.TrimSpace(asPEM))
}

// macForPublicClient: a client without a secret shares no key (OpenID Connect Core
// section 10.1).
func (j *judging) macForPublicClient(x said, alg string) bool {
	public := j.Profile.Clients.Public
	if public == nil || public.Authenticates() || public.ID != j.tokenUser() {
		return false
	}
	j.fail("mac-for-public-client", "a signature with a private key: a public client has no secret (OpenID Connect Core section 10.1)", "the ID token has a MAC ("+alg+")", x)
	return true
}

// accessTokenHash judges at_hash, if there is one: the left half of the access
// token's hash (OpenID Connect Core section 3.1.3.6).
func (j *judging) accessTokenHash(x said, alg string, payload []byte) {
	hashes := map[string]func() hash.Hash{"256": sha256.New, "384": sha512.New384, "512": sha512.New}
	newHash := hashes[strings.TrimLeft(alg, "RPES")]
	claims, err := wire.ParseObject(payload)
	o, malformed := x.Object()
	if err != nil || malformed != nil || newHash == nil || !given(claims, "at_hash") {
		return
	}
	access, _ := o.String("access_token")
	h := newHash()
	h.Write([]byte(access))
	sum := h.Sum(nil)
	if told, _ := claims.String("at_hash"); strings.TrimRight(told, "=") != base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]) {
		j.fail("at-hash", "at_hash is that of the access token beside it (OpenID Connect Core section 3.1.3.6)", "at_hash is that of another token", x)
	}
}

func takeApart(token string) (header wire.Object, payload []byte, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return header, nil, false
	}
	head, err := decodePart(parts[0])
	if err != nil {
		return header, nil, false
	}
	if header, err = wire.ParseObject(head); err != nil {
		return header, nil, false
	}
	payload, err = decodePart(parts[1])
	return header, payload, err == nil
}

// keySet reads the public keys of a JWK set that can be used here. Those of
// unknown types are for others.
func keySet(x wire.Exchange) ([]jose.JSONWebKey, error) {
	o, err := x.Object()
	if err != nil || x.Status != 200 {
		return nil, fmt.Errorf("%s", describe(x))
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(o.Raw("keys"), &raw); err != nil {
		return nil, fmt.Errorf("the member keys is %s", o.Kind("keys"))
	}
	var set []jose.JSONWebKey
	for _, one := range raw[:min(len(raw), maxKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(one, &key) != nil || !key.Valid() {
			continue
		}
		if k, ok := key.Key.(*rsa.PublicKey); ok && k.N.BitLen() > maxModulus {
			continue
		}
		set = append(set, key)
	}
	return set, nil
}

// claims judges those that a client has to check (OpenID Connect Core section
// 3.1.3.7).
func (j *judging) claims(x said, payload []byte) {
	o, err := wire.ParseObject(payload)
	if err != nil {
		j.fail("claims", "a JSON object of claims", clip(err.Error()), x)
		return
	}
	client := j.tokenUser()
	if iss, ok := o.String("iss"); j.Issuer != "" && j.Profile.IssuerRule != "ignore" && (!ok || iss != j.Issuer) {
		j.fail("iss", "iss "+clip(j.Issuer), "iss "+clip(string(o.Raw("iss"))), x)
	}
	if !hasAudience(o, client) {
		j.fail("aud", "aud contains "+clip(client), "aud "+clip(string(o.Raw("aud"))), x)
	}
	if azp, ok := o.String("azp"); given(o, "azp") && (!ok || azp != client) {
		j.fail("azp", "azp, if present, is "+clip(client)+" (OpenID Connect Core section 2)", "azp "+clip(string(o.Raw("azp"))), x)
	}
	j.nonce(x, o)
	j.times(x, o)
	sub, ok := o.String("sub")
	switch about, y := j.memberOf(labels.Join(labels.Full, labels.Userinfo), "sub"); {
	case !ok || sub == "":
		j.fail("sub", "sub is a non-empty string", "sub is "+clip(string(o.Raw("sub"))), x)
	case about != "" && about != sub:
		j.fail("sub", "the sub of the userinfo endpoint", "a different sub", x, y)
	}
	j.pass("claims about %s", clip(client))
}

// given says that a claim is there: null counts as absent.
func given(o wire.Object, name string) bool {
	kind := o.Kind(name)
	return kind != wire.Absent && kind != wire.Null
}

// nonce compares that of the ID token with the parameter that the profile adds to
// the device authorization request (OpenID Connect Core section 3.1.3.7).
func (j *judging) nonce(x said, o wire.Object) {
	param, configured := j.Profile.Request.DeviceAuthorization.Params["nonce"]
	sent := param.Reveal()
	told, isString := o.String("nonce")
	absent := !given(o, "nonce") || isString && told == ""
	switch {
	case configured && sent == "" && !param.Plain(), j.hidden(sent), j.hidden(told):
		// A value that is not known cannot be compared.
	case sent == "" && !absent:
		j.note("nonce", "the ID token has a nonce, although the device sent none", x)
	case sent != "" && absent:
		// RFC 8628 does not define the parameter: a server may ignore it.
		j.note("nonce", "the ID token lacks the nonce that the device sent", x)
	case sent != "" && told != sent:
		j.warn("nonce", "the nonce that the device sent", "the ID token has another nonce: it may belong to another login", x)
	}
}

// times judges exp and iat. A time is wrong where it is by this machine's clock
// and by the response's Date, which something in front of the server may have set.
func (j *judging) times(x said, o wire.Object) {
	exp, hasExp := o.Number("exp")
	iat, hasIat := o.Number("iat")
	clocks := j.clocksAt(x)
	odd := func(wrong func(now float64) bool) bool {
		return len(clocks) > 0 && !slices.ContainsFunc(clocks, func(c clock) bool { return !wrong(c.now) })
	}
	switch {
	case !hasExp:
		j.fail("exp", "exp is a number", "exp is "+string(o.Kind("exp")), x)
	case hasIat && exp <= iat:
		j.fail("exp", "exp after iat", fmt.Sprintf("exp is %v s after iat", exp-iat), x)
	case hasIat && j.stampsOthers(iat):
		// The issuer's clock is off, and not this token: see below.
	case odd(func(now float64) bool { return exp < now-expSlack.Seconds() }):
		j.fail("exp", "exp in the future", fmt.Sprintf("exp is %s %s", apart(exp-clocks[0].now), clocks[0].name), x)
	}
	if nbf, ok := o.Number("nbf"); given(o, "nbf") {
		// By the issuer's own clock, too: an iat may be that of the login, and a
		// clock may be off.
		toCome := func(now float64) bool { return nbf > now+iatSlack.Seconds() }
		if !ok || odd(toCome) && (!hasIat || toCome(iat)) {
			j.fail("nbf", "nbf, if present, is no time to come (RFC 7519 section 4.1.5)", "nbf "+clip(string(o.Raw("nbf")))+": the ID token is not valid yet", x)
		}
	}
	switch {
	case !hasIat:
		j.fail("iat", "iat is a number", "iat is "+string(o.Kind("iat")), x)
	case !odd(func(now float64) bool { return math.Abs(iat-now) > iatSlack.Seconds() }):
		j.compareClocks(x, clocks, iat)
	case j.stampsOthers(iat):
		j.warn("issuer-clock", "a clock that agrees with those of the clients", fmt.Sprintf("all tokens of the issuer have times %s %s: its clock is off", apart(iat-clocks[0].now), clocks[0].name), x)
	default:
		j.fail("iat", "iat near the time of the response", fmt.Sprintf("iat is %s %s", apart(iat-clocks[0].now), clocks[0].name), x)
	}
}

// clock is what one clock showed when a response came, in seconds since 1970.
type clock struct {
	name string
	now  float64
}

// clocksAt are this machine's clock and the response's Date, as far as they are known.
func (j *judging) clocksAt(x said) (clocks []clock) {
	if t := j.Transcripts[x.scenario]; !t.Began.IsZero() {
		clocks = append(clocks, clock{"this machine's clock", float64(t.Began.Add(x.Received - t.Started).Unix())})
	}
	if date, err := http.ParseTime(x.Header("Date")); err == nil {
		clocks = append(clocks, clock{"the response's Date", float64(date.Unix())})
	}
	return clocks
}

// compareClocks says which of two clocks is off: the one that the issuer's own
// time does not agree with.
func (j *judging) compareClocks(x said, clocks []clock, iat float64) {
	if len(clocks) < 2 || math.Abs(clocks[0].now-clocks[1].now) <= expSlack.Seconds() {
		return
	}
	off, right := clocks[0], clocks[1]
	if math.Abs(off.now-iat) < math.Abs(right.now-iat) {
		off, right = right, off
	}
	j.note("clock", fmt.Sprintf("%s is off: it is %s %s, with which the ID token agrees", off.name, apart(off.now-right.now), right.name), x)
}

// apart says how two times differ, before the name of the second one.
func apart(seconds float64) string {
	if seconds < 0 {
		return fmt.Sprintf("%.0f s before", -seconds)
	}
	return fmt.Sprintf("%.0f s after", seconds)
}

// sameMoment is how far the times of tokens that came together may be apart.
const sameMoment = 60

// stampsOthers says that another token of the issuer, which came with this one, has
// the same time: then that is what its clock shows.
func (j *judging) stampsOthers(iat float64) bool {
	for _, label := range []string{labels.Full, labels.Other} {
		if x, ok := j.maybe(tokenUse, labels.Join(label, labels.Introspection)); ok {
			if o, err := x.Object(); err == nil && closeTo(o, iat) {
				return true
			}
		}
	}
	g, ok := j.grantingOf(tokenUse, labels.Full)
	if !ok {
		return false
	}
	o, err := g.response.Object()
	if err != nil {
		return false
	}
	access, _ := o.String("access_token")
	claims, ok := j.claimsIn(access)
	return ok && closeTo(claims, iat)
}

func closeTo(o wire.Object, iat float64) bool {
	other, ok := o.Number("iat")
	return ok && math.Abs(other-iat) <= sameMoment
}

func hasAudience(o wire.Object, client string) bool {
	if aud, ok := o.String("aud"); ok {
		return aud == client
	}
	list, _ := o.Strings("aud")
	return slices.Contains(list, client)
}
