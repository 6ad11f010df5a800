package rules

import (
	"encoding/json"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// Facts are what rules take from values that a report redacts. A run notes them
// before it redacts anything, so that a result without the values can still be
// judged again. Nil: nobody noted it.
type Facts struct {
	DeviceCodes *DeviceCodeFacts `json:"device_codes,omitempty"`
	IDToken     *IDTokenFacts    `json:"id_token,omitempty"`
}

// DeviceCodeFacts are about the sample of device codes (SEC-02).
type DeviceCodeFacts struct {
	// HashOfUserCode names the hash function whose value of the user code each
	// device code is; "" when they are none.
	HashOfUserCode string `json:"hash_of_user_code,omitempty"`
	// Form is "signed token", "unsigned token", "encoded JSON", or "" for
	// opaque text.
	Form             string  `json:"form,omitempty"`
	ContainsUserCode bool    `json:"contains_user_code,omitempty"`
	Figures          Figures `json:"figures"`
}

// IDTokenFacts are about an ID token that a key of jwks_uri verified (TOKEN-15).
type IDTokenFacts struct {
	Alg string `json:"alg"`
	// Claims are those that TOKEN-15 judges: iss, aud, exp, iat, sub.
	Claims json.RawMessage `json:"claims"`
}

// Derive notes the facts of a run.
func Derive(e Evidence) (f Facts) {
	j := &judge{Evidence: e}
	if list := j.sample(); len(list) > 0 {
		f.DeviceCodes = deviceCodeFacts(list)
	}
	f.IDToken = j.idTokenFacts()
	return f
}

// idTokenFacts is nil unless the signature of the ID token was verified.
func (j *judge) idTokenFacts() *IDTokenFacts {
	g, ok := j.grantingOf(tokenUse, "full")
	if !ok {
		return nil
	}
	o, err := g.response.Object()
	if err != nil {
		return nil
	}
	token, _ := o.String("id_token")
	header, payload, ok := takeApart(token)
	if !ok {
		return nil
	}
	trial := &judge{Evidence: j.Evidence}
	if _, ok := trial.signed(g.response, token); !ok || len(trial.ok) == 0 || len(trial.findings) > 0 {
		return nil
	}
	claims, err := wire.ParseObject(payload)
	if err != nil {
		return nil
	}
	facts := &IDTokenFacts{}
	facts.Alg, _ = header.String("alg")
	kept := map[string]json.RawMessage{}
	for _, name := range []string{"iss", "aud", "exp", "iat", "sub"} {
		if claims.Has(name) {
			kept[name] = json.RawMessage(claims.Raw(name))
		}
	}
	facts.Claims, err = json.Marshal(kept)
	if err != nil {
		return nil
	}
	return facts
}
