package scenario

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// extensions uses what other documents add to the grant. Whether the target
// supports it shows in its answers, in its metadata or in the profile; what it
// does not support it has to ignore (RFC 8628 section 3.1). Each person's visit
// has a user agent of its own: some servers end all that a session gave when one
// of its codes is misused.
//
// A code that a fault may have ended is replaced by a fresh one, which a person
// approves like the first, under the same labels.
//
// Labels: document; pkce/device, pkce/wrong, pkce/missing, pkce/right (and
// pkce/missing again where one of them ended the code); verifier/device, verifier/right (a code of its own, with the right verifier
// only); dpop/device, dpop/bad/NAME (only where DPoP is supported),
// dpop/plain (without a nonce), dpop/nonce (with the one it was given),
// dpop/introspection, dpop/refresh other key, dpop/refresh; replay/device,
// replay/first, replay/again; resource/relative, /fragment, /unknown,
// resource/device, resource/token/1 ..., resource/introspection;
// details/malformed, /unknown, details/device, details/token/1 ...;
// parameters/OIDC, parameters/request_uri, parameters/control. Journeys:
// approve NAME.
func extensions(c *conversation) error {
	public := c.Profile.Clients.Public
	e := &extender{conversation: c, client: public}
	e.refusals()
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	stories := []func() error{e.pkce, e.verifier, e.proofs}
	if c.Profile.Capabilities.Resource != "" {
		stories = append(stories, e.resource)
	}
	if c.Profile.Capabilities.AuthorizationDetails != "" {
		stories = append(stories, e.details)
	}
	err := together(stories...)
	c.leavePages()
	return err
}

type extender struct {
	*conversation
	client *profiles.Client
}

// refusals are device authorization requests that nobody has to decide about.
func (e *extender) refusals() {
	form := e.deviceForm(e.client)
	send := func(label string, form wire.Form) { e.send(e.deviceRequest(label, e.client, form)) }
	send(labels.ParametersControl, form)
	send(labels.Join(labels.Parameters, "OIDC"), form.Set("nonce", e.random.word(16)).Set("acr_values", "urn:x-devicegrant:0").Set("max_age", "3600"))
	send(labels.Join(labels.Parameters, "request_uri"), form.Set("request_uri", "urn:ietf:params:oauth:request_uri:"+e.random.word(16)))
	for name, value := range map[string]string{
		labels.Relative: "/api", labels.Fragment: "https://api.example.org/#part", labels.Unknown: "https://" + e.random.word(12) + ".example.org/",
	} {
		send(labels.Join(labels.Resource, name), form.Set("resource", value))
	}
	send(labels.Join(labels.Details, labels.Malformed), form.Set("authorization_details", "{not json"))
	send(labels.Join(labels.Details, labels.Unknown), form.Set("authorization_details", `[{"type":"x-devicegrant-`+e.random.word(8)+`"}]`))
}

// approved issues a code with further parameters and lets an end user approve it.
// Nil: there are no codes for such a request.
func (e *extender) approved(name string, form wire.Form) (*device, error) {
	s, err := e.errander()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	d, err := e.issueFor(labels.Join(name, labels.Device), e.client, form)
	if err != nil {
		return nil, nil // the rule sees the answer
	}
	return d, unfinished(e.visit(s, d.task(labels.Of(labels.Approve, name), transcript.Approve)))
}

func (e *extender) challenged() (form wire.Form, verifier string) {
	verifier = e.random.word(64)
	sum := sha256.Sum256([]byte(verifier))
	return e.deviceForm(e.client).Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:])).Set("code_challenge_method", "S256"), verifier
}

// verified asks for a token with a code_verifier; "" leaves it out.
func (e *extender) verified(d *device, label, verifier string) (wire.Exchange, error) {
	form := e.tokenForm(e.client, d.deviceCode)
	if verifier != "" {
		form = form.Set("code_verifier", verifier)
	}
	return e.askDecided(d, func() (wire.Request, error) { return e.tokenRequest(label, e.client, form), nil })
}

// askDecided asks about an approved code, again while the approval is not seen.
func (e *extender) askDecided(d *device, request func() (wire.Request, error)) (x wire.Exchange, err error) {
	for range patience {
		r, err := request()
		if err != nil {
			return x, err
		}
		if x, err = d.askPaced(r); err != nil || x.OAuthError() != "authorization_pending" {
			return x, err
		}
	}
	return x, nil
}

func (e *extender) pkce() error {
	form, verifier := e.challenged()
	d, err := e.approved(labels.PKCE, form)
	if d == nil || err != nil {
		return err
	}
	for _, try := range []struct{ name, verifier string }{{labels.Wrong, e.random.word(64)}, {labels.Missing, ""}, {labels.Right, verifier}} {
		x, err := e.verified(d, labels.Join(labels.PKCE, try.name), try.verifier)
		if err != nil || gaveToken(x) {
			return err
		}
	}
	// A wrong verifier may have ended the code, so that the missing one met none.
	if d, err = e.approved(labels.PKCE, form); d == nil || err != nil {
		return err
	}
	_, err = e.verified(d, labels.Join(labels.PKCE, labels.Missing), "")
	return err
}

func (e *extender) verifier() error {
	form, verifier := e.challenged()
	d, err := e.approved(labels.Verifier, form)
	if d == nil || err != nil {
		return err
	}
	_, err = e.verified(d, labels.VerifierRight, verifier)
	return err
}

// supportsDPoP is what the profile says, or else the metadata.
func (e *extender) supportsDPoP() bool {
	if told := e.Profile.Capabilities.DPoP; told != nil {
		return *told
	}
	for _, address := range metadataURLs(e.Profile) {
		x := e.send(wire.Get(labels.Document, address))
		if o, err := x.Object(); err == nil && x.Status == 200 {
			return o.Has("dpop_signing_alg_values_supported")
		}
	}
	return false
}

// proofs are the two stories with DPoP, one after the other: a server may give
// its nonces to a client, whatever the key, and count how often they are used.
func (e *extender) proofs() error {
	var d *device
	if e.supportsDPoP() {
		var err error
		if d, err = e.issue(labels.Join(labels.Replay, labels.Device), e.client); err != nil {
			return err
		}
	}
	err := e.dpop()
	if d == nil {
		return err
	}
	return firstError([]error{err, e.replay(d)})
}

func (e *extender) dpop() error {
	key, err := newProofKey(e.random)
	if err != nil {
		return err
	}
	p := &prover{extender: e, key: key}
	if err := p.renew(); p.d == nil || err != nil {
		return err
	}
	if e.supportsDPoP() {
		if done, err := p.misuse(); done || err != nil {
			return err
		}
	}
	x, err := p.redeem()
	if err == nil && x.EndsGrant() && p.probed {
		// Whether an invalid proof or the challenge did that shows a code without
		// the former.
		if err = p.renew(); p.d == nil || err != nil {
			return err
		}
		x, err = p.redeem()
	}
	if err != nil {
		return err
	}
	return e.useBound(key, p.nonce, x)
}

// prover presents proofs with one code after the other.
type prover struct {
	*extender
	key    *proofKey
	nonce  string // the last one that the server gave
	d      *device
	probed bool // an invalid proof named the code
}

// renew takes a fresh code and waits until it can be redeemed.
func (p *prover) renew() (err error) {
	p.probed = false
	if p.d, err = p.approved(labels.DPoP, p.deviceForm(p.client)); p.d == nil || err != nil {
		return err
	}
	return p.d.rest(p.d.interval + p.d.guard())
}

// misuse presents the invalid proofs; done: there are no more codes. One that got
// a token has used its code up, and once a proof has ended a code, each gets a code
// of its own.
func (p *prover) misuse() (done bool, err error) {
	ends := false
	for _, bad := range p.key.badProofs(p.Target.Endpoints.Token) {
		if ends && p.probed {
			if err := p.renew(); p.d == nil || err != nil {
				return true, err
			}
		}
		x, err := p.present(bad)
		if err == nil && x.EndsGrant() && p.probed {
			if err := p.renew(); p.d == nil || err != nil {
				return true, err
			}
			ends = true
			x, err = p.present(bad)
		}
		if err != nil {
			return true, err
		}
		p.probed = true
		if gaveToken(x) {
			if err := p.renew(); p.d == nil || err != nil {
				return true, err
			}
		}
	}
	return false, nil
}

func (p *prover) present(bad badProof) (wire.Exchange, error) {
	proof, err := p.key.proof(p.Target.Endpoints.Token, p.nonce, bad.change)
	if err != nil {
		return wire.Exchange{}, err
	}
	r := p.d.withProof(labels.Join(labels.DPoPBad, bad.name), proof)
	if bad.name == "two headers" {
		r.Header.Add("DPoP", proof)
	}
	x := p.d.question(r)
	if given := x.Header("DPoP-Nonce"); given != "" {
		p.nonce = given
	}
	return x, nil
}

// redeem presents a valid proof, and again with the nonce that the server asks for.
func (p *prover) redeem() (wire.Exchange, error) {
	d, target := p.d, p.Target.Endpoints.Token
	x, err := p.askDecided(d, func() (wire.Request, error) {
		proof, err := p.key.proof(target, "", nil)
		return d.withProof(labels.DPoPPlain, proof), err
	})
	if err != nil {
		return x, err
	}
	if given := x.Header("DPoP-Nonce"); x.OAuthError() == "use_dpop_nonce" && given != "" {
		p.nonce = given
		again, err := p.key.proof(target, p.nonce, nil)
		if err != nil {
			return x, err
		}
		// At once: the retry is not another poll of the device.
		if x = d.ask(d.withProof(labels.DPoPNonce, again)); x.OAuthError() == "slow_down" || x.OAuthError() == "authorization_pending" {
			return p.askDecided(d, func() (wire.Request, error) {
				proof, err := p.key.proof(target, p.nonce, nil)
				return d.withProof(labels.DPoPNonce, proof), err
			})
		}
	}
	return x, nil
}

// useBound asks about a token, and refreshes it with another key and its own.
func (e *extender) useBound(key *proofKey, nonce string, x wire.Exchange) error {
	token := stringIn(x, "access_token")
	if token == "" {
		return nil
	}
	e.introspectToken(labels.DPoPIntrospection, token)
	e.noteKey(key)
	refresh := stringIn(x, "refresh_token")
	if refresh == "" {
		return nil
	}
	other, err := newProofKey(e.random)
	if err != nil {
		return err
	}
	for _, try := range []struct {
		name string
		key  *proofKey
	}{{labels.DPoPRefreshOtherKey, other}, {labels.Join(labels.DPoP, "refresh"), key}} {
		proof, err := try.key.proof(e.Target.Endpoints.Token, nonce, nil)
		if err != nil {
			return err
		}
		r := e.tokenRequest(try.name, e.client, wire.Form{{Name: "grant_type", Value: "refresh_token"}, {Name: "refresh_token", Value: refresh}, {Name: "client_id", Value: e.client.ID}})
		r.Header.Set("DPoP", proof)
		e.send(r)
	}
	return nil
}

// noteKey records the thumbprint of the key.
func (e *extender) noteKey(key *proofKey) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said.Noted = map[string]string{"jkt": key.thumbprint()}
}

// replay sends one proof twice, on a code that nobody decides about.
func (e *extender) replay(d *device) error {
	key, err := newProofKey(e.random)
	if err != nil {
		return err
	}
	probe, err := key.proof(e.Target.Endpoints.Token, "", nil)
	if err != nil {
		return err
	}
	x, err := d.askPaced(d.withProof(labels.Join(labels.Replay, "challenge"), probe))
	if err != nil {
		return err
	}
	proof, err := key.proof(e.Target.Endpoints.Token, x.Header("DPoP-Nonce"), nil)
	if err != nil {
		return err
	}
	for _, label := range []string{labels.ReplayFirst, labels.ReplayAgain} {
		if _, err := d.askPaced(d.withProof(label, proof)); err != nil {
			return err
		}
	}
	return nil
}

func (e *extender) resource() error {
	d, err := e.approved(labels.Resource, e.deviceForm(e.client).Set("resource", e.Profile.Capabilities.Resource))
	if d == nil || err != nil {
		return err
	}
	x, err := d.collect(labels.ResourceToken, patience)
	if err == nil && stringIn(x, "access_token") != "" {
		e.introspectToken(labels.ResourceIntrospection, stringIn(x, "access_token"))
	}
	return err
}

func (e *extender) details() error {
	d, err := e.approved(labels.Details, e.deviceForm(e.client).Set("authorization_details", e.Profile.Capabilities.AuthorizationDetails))
	if d == nil || err != nil {
		return err
	}
	_, err = d.collect(labels.DetailsToken, patience)
	return err
}
