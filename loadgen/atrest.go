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
	p := reader{dialect: r.site.Dialect}
	var a transport.Answer
	ask := func(k Kind, q transport.Request) (Outcome, reply) {
		timer := time.AfterFunc(r.settings.timeout, c.Interrupt)
		defer timer.Stop()
		if c.Do(&q, &a) != transport.NoFault {
			return Lost, reply{}
		}
		answer := p.read(a.Status, a.Body)
		return answer.outcome(k, a.Status), answer
	}
	o, codes := ask(Issue, transport.Request{Endpoint: r.site.DeviceAuthorization, Slot: -1})
	if o != Codes {
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
	step := func(wait time.Duration, to *string) Outcome {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return Lost
		}
		o, _ := ask(Poll, transport.Request{Endpoint: r.site.Token, Code: code, Slot: -1})
		*to = o.String()
		return o
	}
	first := ""
	one := step(interval+guard, &first)
	two := step(interval+guard, &rest.Obedient)
	if one == SlowDownHeard {
		rest.Obedient = first
	}
	hurried := step(interval/5, &rest.Hurried)
	if one == SlowDownHeard || two == SlowDownHeard || hurried != SlowDownHeard {
		rest.Forgetful, rest.Grown = "not asked", "not asked"
	} else if step(interval+guard, &rest.Forgetful) == SlowDownHeard {
		step(interval+10*time.Second+guard, &rest.Grown)
	} else {
		rest.Grown = "not asked"
	}
	switch {
	case one == SlowDownHeard || two == SlowDownHeard:
		rest.Class = classPunishing
	case one != Pending || two != Pending:
	case hurried == Pending:
		rest.Class = classNone
	case hurried == SlowDownHeard && rest.Forgetful == Pending.String():
		rest.Class = classForgiving
	case hurried == SlowDownHeard:
		rest.Class = classExact
	}
	return rest
}
