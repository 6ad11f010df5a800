package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// GrantProbe is one device authorization request and one poll, to see whether a
// profile fits its server.
type GrantProbe struct {
	Codes, Poll               wire.Exchange
	UserCode, VerificationURI string
	// Summary says in one line what was issued.
	Summary string
	// OnePoll says that the code expires before a second poll is due.
	OnePoll bool
}

// ProbeGrant requests codes and polls once, immediately; whether a first poll
// is too early is for a run to test. The error says why there are no codes.
func ProbeGrant(ctx context.Context, p *profiles.Profile, at Target, client *wire.Client) (probe GrantProbe, err error) {
	e := &Environment{Profile: p, Target: at, Wire: client, Clock: NewClock(1)}
	e.setPace()
	e.dialect = wire.DialectOf(p.Responses.Format, p.Responses.Members, p.Responses.Errors)
	c := &conversation{Environment: e, ctx: ctx, random: newRandom(0, "probe"), wait: func(string, time.Duration) {}}
	public := p.Clients.Public
	probe.Codes = c.send(c.deviceRequest(labels.Device, public, c.deviceForm(public)))
	d, err := c.deviceFrom(probe.Codes, public)
	if err != nil {
		return probe, err
	}
	probe.UserCode, probe.VerificationURI = d.userCode, d.verificationURI
	probe.Summary = fmt.Sprintf("code %s at %s, for %s, to be polled every %s", d.userCode, d.verificationURI, d.lifetime, d.interval)
	probe.OnePoll = d.lifetime > 0 && d.interval >= d.lifetime
	probe.Poll = d.pollNow(labels.Poll)
	return probe, nil
}

// BasicProbe is what a client with a secret gets for HTTP Basic alone, and with
// its client_id in the body as well.
type BasicProbe struct{ Alone, WithID wire.Exchange }

// ProbeBasic requests codes in both forms. The client's own form does not matter.
func ProbeBasic(ctx context.Context, endpoint string, client profiles.Client, scopes []string, w *wire.Client) BasicProbe {
	ask := func(inBody bool) wire.Exchange {
		client.ClientIDInBody = inBody
		form := wire.Form{{Name: "client_id", Value: client.ID}}
		if len(scopes) > 0 {
			form = form.Add("scope", joinScopes(scopes))
		}
		r := wire.Post(labels.Device, endpoint, identifying(form, &client, profiles.AuthBasic))
		return w.Do(ctx, withSecret(r, &client, profiles.AuthBasic))
	}
	return BasicProbe{Alone: ask(false), WithID: ask(true)}
}

// NeedsClientID says that HTTP Basic works only with client_id in the body.
func (b BasicProbe) NeedsClientID() bool { return !gaveCodes(b.Alone) && gaveCodes(b.WithID) }

// Refused says that neither form gets codes.
func (b BasicProbe) Refused() bool { return !gaveCodes(b.Alone) && !gaveCodes(b.WithID) }
