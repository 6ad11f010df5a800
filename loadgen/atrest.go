package loadgen

import (
	"context"
	"time"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
)

// atRest asks how one device alone is slowed down: it waits the advertised
// interval, hurries, goes back to the advertised interval although it was told
// slow_down, and then obeys. Its codes are left to expire.
func (r *run) atRest(ctx context.Context) AtRest {
	const unknown = "no answer"
	rest := AtRest{Obedient: unknown, Hurried: unknown, Forgetful: unknown, Grown: unknown, Class: "unclear"}
	c := r.transport.Connect()
	defer c.Close()
	p := reader{dialect: r.site.dialect}
	var a transport.Answer
	ask := func(k kind, q transport.Request) (outcome, reply) {
		timer := time.AfterFunc(r.settings.timeout, c.Interrupt)
		defer timer.Stop()
		if c.Do(&q, &a) != transport.NoFailure {
			return outcomeLost, reply{}
		}
		answer := p.read(a.Status, a.Body)
		return answer.outcome(k, a.Status), answer
	}
	o, codes := ask(kindIssue, transport.Request{Endpoint: r.site.deviceAuthorization, Slot: -1})
	if o != outcomeCodes {
		rest.Class = "no codes: " + o.String()
		return rest
	}
	interval := 5 * time.Second
	if codes.interval >= 0 {
		interval = time.Duration(codes.interval) * time.Second
	}
	code := append([]byte(nil), escaped(codes.deviceCode)...)
	// A little more than the interval: some servers compare strictly.
	const guard = 100 * time.Millisecond
	step := func(wait time.Duration, to *string) outcome {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return outcomeLost
		}
		o, _ := ask(kindPoll, transport.Request{Endpoint: r.site.token, Code: code, Slot: -1})
		*to = o.String()
		return o
	}
	first := ""
	one := step(interval+guard, &first)
	two := step(interval+guard, &rest.Obedient)
	if one == outcomeSlowDown {
		rest.Obedient = first
	}
	hurried := step(interval/5, &rest.Hurried)
	if one == outcomeSlowDown || two == outcomeSlowDown || hurried != outcomeSlowDown {
		rest.Forgetful, rest.Grown = "not asked", "not asked"
	} else if step(interval+guard, &rest.Forgetful) == outcomeSlowDown {
		step(interval+10*time.Second+guard, &rest.Grown)
	} else {
		rest.Grown = "not asked"
	}
	switch {
	case one == outcomeSlowDown || two == outcomeSlowDown:
		rest.Class = classPunishing
	case one != outcomePending || two != outcomePending:
	case hurried == outcomePending:
		rest.Class = classNone
	case hurried == outcomeSlowDown && rest.Forgetful == outcomePending.String():
		rest.Class = classForgiving
	case hurried == outcomeSlowDown:
		rest.Class = classExact
	}
	return rest
}
