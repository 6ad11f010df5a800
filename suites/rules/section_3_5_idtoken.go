package rules

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
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
	{"TOKEN-15", one(transcript.TokenUse), one(transcript.Metadata), idToken},
}

// signatures are the algorithms with which a server can sign an ID token so
// that its public keys prove it.
var signatures = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

const (
	// iatSlack is how far an iat may be from the server's own Date.
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
			j.pass("signed with %s by a key of jwks_uri", alg)
			return payload, true
		}
	}
	j.fail("signature", "a signature by a key of jwks_uri", "no key there verifies the ID token", x, keys)
	return payload, true
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
// 3.1.3.7). Times are compared with the answer's own Date: the clock that
// matters is the server's.
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
	exp, hasExp := o.Number("exp")
	iat, hasIat := o.Number("iat")
	date, err := http.ParseTime(x.Header("Date"))
	dated := err == nil
	switch {
	case !hasExp:
		j.fail("exp", "exp is a number", "exp is "+string(o.Kind("exp")), x)
	case hasIat && exp <= iat:
		j.fail("exp", "exp after iat", fmt.Sprintf("exp is %v s after iat", exp-iat), x)
	case dated && exp < float64(date.Add(-expSlack).Unix()):
		j.fail("exp", "exp in the future", fmt.Sprintf("exp is %v s before the response's Date", float64(date.Unix())-exp), x)
	}
	switch {
	case !hasIat:
		j.fail("iat", "iat is a number", "iat is "+string(o.Kind("iat")), x)
	case dated && math.Abs(iat-float64(date.Unix())) > iatSlack.Seconds():
		j.fail("iat", "iat near the response's Date", fmt.Sprintf("iat is %v s away from it", iat-float64(date.Unix())), x)
	}
	sub, ok := o.String("sub")
	switch about, y := j.memberOf(labels.Join(labels.Full, labels.Userinfo), "sub"); {
	case !ok || sub == "":
		j.fail("sub", "sub is a non-empty string", "sub is "+clip(string(o.Raw("sub"))), x)
	case about != "" && about != sub:
		j.fail("sub", "the sub of the userinfo endpoint", "a different sub", x, y)
	}
	j.pass("claims about %s", clip(client))
}

func hasAudience(o wire.Object, client string) bool {
	if aud, ok := o.String("aud"); ok {
		return aud == client
	}
	list, _ := o.Strings("aud")
	return slices.Contains(list, client)
}
