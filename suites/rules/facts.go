package rules

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Facts are what rules take from values that a report redacts. A run records
// them before it redacts anything, so that a result without the values can
// still be judged again. Nil: not recorded.
type Facts struct {
	// Noted says that a run recorded the facts: a missing one was really
	// absent.
	Noted       bool             `json:"noted,omitempty"`
	DeviceCodes *DeviceCodeFacts `json:"device_codes,omitempty"`
	IDToken     *IDTokenFacts    `json:"id_token,omitempty"`
	// Claims are the claims that rules read in tokens that are readable JWTs,
	// by the token's mark.
	Claims map[string]json.RawMessage `json:"claims,omitempty"`
	// Hexadecimal are the marks of device codes in which the case of letters
	// does not matter.
	Hexadecimal []string `json:"hexadecimal,omitempty"`
	// AsUserCode are the marks of device codes that equal the user code.
	AsUserCode []string `json:"as_user_code,omitempty"`
	// MixedCase says that the user codes have letters of both cases.
	MixedCase bool `json:"mixed_case,omitempty"`
	// UserNames are the marks of those user names in the profile that are
	// secrets, by the profile's key for the user.
	UserNames map[string]string `json:"user_names,omitempty"`
}

// DeviceCodeFacts describe the sample of device codes (SEC-02).
type DeviceCodeFacts struct {
	// HashOfUserCode names the hash function with which each device code is the
	// hash of its user code; "" if there is none.
	HashOfUserCode string `json:"hash_of_user_code,omitempty"`
	// Form is "signed token", "unsigned token", "encoded JSON", or "" for
	// opaque text.
	Form             string  `json:"form,omitempty"`
	ContainsUserCode bool    `json:"contains_user_code,omitempty"`
	Figures          Figures `json:"figures"`
}

// IDTokenFacts are what TOKEN-15 reads in the ID token itself.
type IDTokenFacts struct {
	Alg string `json:"alg"`
	// Claims are those that TOKEN-15 checks, as far as they are readable.
	Claims json.RawMessage `json:"claims,omitempty"`
	// Findings and Obstacles are about the format and the signature. If there
	// are none, a key of jwks_uri verified it.
	Findings  []Finding `json:"findings,omitempty"`
	Obstacles []string  `json:"obstacles,omitempty"`
}

// Derive records the facts of a run. mark returns what replaces a redacted
// value.
func Derive(e Evidence, mark func(value string) string) (f Facts) {
	f.Noted = true
	j := &judging{Evidence: e}
	if list := j.sample(); len(list) > 0 {
		f.DeviceCodes = deviceCodeFacts(list)
	}
	f.IDToken = j.idTokenFacts()
	lower, upper := casesIn(j.sampledCodes())
	f.MixedCase = lower && upper
	hexadecimal := map[string]bool{}
	for _, t := range e.Transcripts {
		for _, x := range t.Exchanges {
			for _, code := range x.Form()["device_code"] {
				if code != "" && hexOrUUID.MatchString(code) {
					hexadecimal[mark(code)] = true
				}
			}
			f.noteAnswer(x, mark)
		}
	}
	slices.Sort(f.AsUserCode)
	f.Hexadecimal = slices.Sorted(maps.Keys(hexadecimal))
	for name, user := range map[string]*profiles.User{"first": e.Profile.Users.First, "second": e.Profile.Users.Second} {
		if value := username(user); value != "" && !user.Username.Plain() {
			f.UserNames = with(f.UserNames, name, mark(value))
		}
	}
	return f
}

// noteAnswer keeps what rules read in the codes and tokens of an answer.
func (f *Facts) noteAnswer(x wire.Exchange, mark func(value string) string) {
	o, err := x.Object()
	if err != nil {
		return
	}
	device, _ := o.String("device_code")
	if user, _ := o.String("user_code"); device != "" && device == user && !slices.Contains(f.AsUserCode, mark(device)) {
		f.AsUserCode = append(f.AsUserCode, mark(device))
	}
	for _, member := range []string{"access_token", "id_token"} {
		token, _ := o.String(member)
		if claims, ok := claimsOf(token); ok {
			f.Claims = with(f.Claims, mark(token), some(claims, "iss", "sub", "scope", "scp", "cnf", "iat"))
		}
	}
}

func with[T any](m map[string]T, key string, value T) map[string]T {
	if m == nil {
		m = map[string]T{}
	}
	m[key] = value
	return m
}

// some are some of the claims, as JSON.
func some(claims wire.Object, names ...string) json.RawMessage {
	picked := map[string]json.RawMessage{}
	for _, name := range names {
		if claims.Has(name) {
			picked[name] = claims.Raw(name)
		}
	}
	b, _ := json.Marshal(picked) // its values were parsed from JSON
	return b
}

// claimsIn are the claims of a token that is a readable JWT, or what the run
// noted of them.
func (j *judging) claimsIn(token string) (wire.Object, bool) {
	if noted, ok := j.Facts.Claims[token]; ok {
		claims, err := wire.ParseObject(noted)
		return claims, err == nil
	}
	return claimsOf(token)
}

// caseless says that the case of a device code's letters means nothing.
func (j *judging) caseless(code string) bool {
	return hexOrUUID.MatchString(code) || slices.Contains(j.Facts.Hexadecimal, code)
}

// userName is the name of a user in the profile, or the mark of the name.
func (j *judging) userName(name string, u *profiles.User) string {
	return cmp.Or(j.Facts.UserNames[name], username(u))
}

// idTokenFacts is nil without an ID token.
func (j *judging) idTokenFacts() *IDTokenFacts {
	g, ok := j.grantingOf(tokenUse, labels.Full)
	if !ok {
		return nil
	}
	o, err := g.response.Object()
	if err != nil {
		return nil
	}
	token, _ := o.String("id_token")
	if token == "" {
		return nil
	}
	attempt := &judging{Evidence: j.Evidence}
	payload, readable := attempt.inspect(g.response, token)
	facts := &IDTokenFacts{Findings: attempt.findings}
	for _, o := range attempt.obstacles {
		facts.Obstacles = append(facts.Obstacles, o.reason)
	}
	if header, _, ok := takeApart(token); ok {
		facts.Alg, _ = header.String("alg")
	}
	if claims, err := wire.ParseObject(payload); readable && err == nil {
		facts.Claims = some(claims, "iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "sub")
	}
	return facts
}
