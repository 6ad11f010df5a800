package profiles

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// ParsePlan reads a plan from YAML and takes from base what it does not give.
// The error is an *Error with all problems.
func ParsePlan(source string, text []byte, base Plan) (Plan, error) {
	d := parse(source, text)
	if d.root == nil {
		return base, newError(d.problems)
	}
	d.vars = newVariables(d)
	var p Plan
	d.fill("", d.root, reflect.ValueOf(&p).Elem(), "")
	d.checkPlan("", &p)
	if err := newError(d.problems); err != nil {
		return base, err
	}
	return p.Over(base), nil
}

// Over returns the plan, with what it does not give taken from base.
func (p Plan) Over(base Plan) Plan {
	overlay(reflect.ValueOf(&base).Elem(), reflect.ValueOf(p))
	return base
}

// overlay copies the fields that are given.
func overlay(to, from reflect.Value) {
	for i := range from.NumField() {
		switch f := from.Field(i); {
		case f.Kind() == reflect.Struct:
			overlay(to.Field(i), f)
		case !f.IsZero():
			to.Field(i).Set(f)
		}
	}
}

// Record returns the plan as JSON with the keys of a plan.
func (p Plan) Record() (json.RawMessage, error) { return record(p) }

// The words of a plan.
var (
	clientModels   = []string{"rfc", "fixed"}
	phaseWords     = []string{"spread", "none"}
	curves         = []string{"constant", "ramp", "steps", "spike", "closed"}
	policies       = []string{"reuse", "per-device", "per-poll"}
	transports     = []string{"lean", "net/http"}
	keyExchanges   = []string{"default", "x25519"}
	approvalPeople = []string{"hook", "forms"}
)

// checkPlan checks what types cannot say. Below a profile the plan has a path.
func (d *document) checkPlan(path string, p *Plan) {
	at := func(key string) string { return join(path, key) }
	word := func(key, word string, known []string) {
		if word != "" {
			d.oneOf(at(key), word, known...)
		}
	}
	word("client_model", p.ClientModel, clientModels)
	word("phases", p.Phases, phaseWords)
	word("arrival.curve", p.Arrival.Curve, curves)
	word("connections.policy", p.Connections.Policy, policies)
	word("connections.key_exchange", p.Connections.KeyExchange, keyExchanges)
	word("transport", p.Transport, transports)
	word("approval.driver", p.Approval.Driver, approvalPeople)

	const many = 100_000_000
	for _, n := range []struct {
		key        string
		value, max int
	}{{"devices", p.Devices, many}, {"seed", p.Seed, many}, {"arrival.steps", p.Arrival.Steps, 10_000}, {"arrival.width", p.Arrival.Width, 100_000},
		{"approval.workers", p.Approval.Workers, 10_000}, {"greedy.width", p.Greedy.Width, 64}, {"connections.max", p.Connections.Max, many}} {
		if n.value != 0 { // which is as the workload has it
			within(d, at(n.key), n.value, 1, n.max)
		}
	}
	for _, t := range []struct {
		key   string
		value time.Duration
	}{{"duration", p.Duration}, {"timeout", p.Timeout}, {"arrival.over", p.Arrival.Over}, {"approval.at", p.Approval.At}} {
		if t.value != 0 {
			positive(d, at(t.key), t.value)
		}
	}
	for _, t := range []struct {
		key   string
		value *time.Duration
	}{{"warm_up", p.WarmUp}, {"drain", p.Drain}, {"approval.think_min", p.Approval.ThinkMin}, {"approval.think_max", p.Approval.ThinkMax}} {
		if t.value != nil && *t.value < 0 {
			d.reportAt(at(t.key), fmt.Sprintf("expected 0s or more, found %s", *t.value), "")
		}
	}
	for _, f := range []struct {
		key   string
		value *float64
		max   float64
	}{{"mix.approve", p.Mix.Approve, 1}, {"mix.deny", p.Mix.Deny, 1}, {"mix.expire", p.Mix.Expire, 1}, {"impatient.share", p.Impatient.Share, 1},
		{"impatient.pace", p.Impatient.Pace, 1}, {"impatient.forgetful", p.Impatient.Forgetful, 1}, {"greedy.share", p.Greedy.Share, 1},
		{"approval.rate", &p.Approval.Rate, many}} {
		if f.value != nil && (*f.value < 0 || *f.value > f.max) {
			d.reportAt(at(f.key), fmt.Sprintf("expected a number from 0 to %g, found %g", f.max, *f.value), "")
		}
	}
}

// Ceiling returns the maximum number of requests per second that the profile
// allows in load tests; 0: it sets no limit. The default of limits.rate does
// not count, because it is meant for conformance runs.
func (p *Profile) Ceiling() float64 {
	ceiling := 0.0
	lower := func(rate float64) {
		if rate > 0 && (ceiling == 0 || rate < ceiling) {
			ceiling = rate
		}
	}
	if _, given := p.origins["limits.rate"]; given {
		lower(p.Limits.Rate)
	}
	lower(float64(p.Limits.TokenPerMinute) / 60)
	lower(float64(p.Limits.DeviceAuthorizationPerMinute) / 60)
	return ceiling
}
