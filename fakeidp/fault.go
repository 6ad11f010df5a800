package fakeidp

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// FaultKind says whether a conforming server could behave this way.
type FaultKind string

// The kinds of a [Fault].
const (
	// Defect breaks a requirement, or is a weakness.
	Defect FaultKind = "fault"
	// Benign is unusual but conforming.
	Benign FaultKind = "benign"
)

// Fault is a named misbehavior or unusual behavior of the server. It is off
// unless [Config.Faults] or [IdP.SetFaults] names it.
type Fault struct {
	// ID is short and stable: M05, B07, F-DA-04.
	ID string `json:"id"`
	// Name is a short description with dashes.
	Name  string    `json:"name"`
	Title string    `json:"title"`
	Kind  FaultKind `json:"kind"`
}

// Faults returns all faults, in the order of the catalog.
func Faults() []Fault {
	list := make([]Fault, len(faults))
	for i, f := range faults {
		list[i] = f.Fault
	}
	return list
}

// fault is an entry of the catalog: its description and its implementation.
type fault struct {
	Fault
	// start creates the behavior each time the fault is switched on, so that
	// its state starts fresh.
	start func() behaviour
}

// faults is the catalog. Each theme has a file of its own.
var faults = slices.Concat(
	pollingFaults,
	slowDownFaults,
	raceFaults,
	rateFaults,
	looseFaults,
	deviceAuthorizationFaults,
	tokenFaults,
	useFaults,
	wireFaults,
	byteFaults,
	acceptFaults,
	valueFaults,
	personFaults,
	clientFaults,
	tenantFaults,
	strengthFaults,
	codeFaults,
	pageFaults,
	attackFaults,
	extensionFaults,
	benignVariants,
	gatewayVariants,
	limitVariants,
)

// behaviour is what a fault changes. Every part may be missing: nil means that
// the server behaves as usual there. These are the only places where the clean
// code asks.
type behaviour struct {
	// configure changes the settings at start. A fault with it can only be
	// switched on in Config.Faults, for the whole server.
	configure func(*Config)
	// request sees a request before its endpoint. It may change it, or answer
	// it (x.answer) and return true.
	request func(x *exchange) (answered bool)
	// response sees the response before it is sent, and may change it.
	response func(x *exchange)
	// issue changes a grant before its codes are returned.
	issue func(g *grant)
	// userCode replaces the generation of a user code.
	userCode func(u userCodes, g *grant) string
	// listen changes how a server listens for TLS. A fault with it can only be
	// switched on at start.
	listen func(s *Server, l net.Listener, t *tls.Config) net.Listener
	// poll replaces the state machine; g.answer is the real one.
	poll func(g *grant, arrival time.Time) (answer, *family)
	// refusal replaces the check whether a grant can still be decided; g.mu is
	// held, and g.undecidable is the real answer.
	refusal func(g *grant, now time.Time) error
	// foreign reports whether a device code of another client is accepted
	// anyway.
	foreign func(g *grant, presenter *Client) bool
	// unchecked is the part of a client's proof that is not checked.
	unchecked proofCheck
	// claims changes an ID token before it is signed.
	claims func(*idClaims)
}

// active are the active faults: for every client under "", and for single
// clients. It never changes.
type active struct {
	names map[string][]string
	sum   map[string]behaviour
}

// none is the behavior of a server without faults.
var none behaviour

// of returns what is different for a client.
func (a *active) of(client string) behaviour {
	if a == nil {
		return none
	}
	if b, ok := a.sum[client]; ok {
		return b
	}
	return a.sum[""]
}

// odd returns what is different for a client at the moment.
func (p *IdP) odd(client string) behaviour { return p.faults.Load().of(client) }

// SetFaults switches on faults, by ID or name, and switches off all other
// faults of that client. They affect the client's requests and codes; "" stands
// for all clients that have no faults of their own. Codes keep the state
// machine with which they were issued.
func (p *IdP) SetFaults(client string, names ...string) error {
	if _, known := p.clients[client]; client != "" && !known {
		return fmt.Errorf("fakeidp: unknown client %q", client)
	}
	found, err := findFaults(names)
	if err != nil {
		return err
	}
	p.faultsMu.Lock()
	defer p.faultsMu.Unlock()
	next := &active{names: map[string][]string{}, sum: map[string]behaviour{}}
	if old := p.faults.Load(); old != nil {
		for c := range old.names {
			if c != client {
				next.names[c], next.sum[c] = old.names[c], old.sum[c]
			}
		}
	}
	var parts []behaviour
	for _, f := range found {
		b := f.start()
		if b.configure != nil || b.listen != nil {
			return fmt.Errorf("fakeidp: the fault %s can only be switched on at start, for the whole server", f.ID)
		}
		parts = append(parts, b)
		next.names[client] = append(next.names[client], f.ID)
	}
	if len(parts) > 0 {
		next.sum[client] = sum(parts)
	}
	if len(next.names) == 0 {
		next = nil // the shortest way through the server
	}
	p.faults.Store(next)
	return nil
}

// ActiveFaults returns the IDs of the active faults by client; the key "" has
// those for all clients.
func (p *IdP) ActiveFaults() map[string][]string {
	list := map[string][]string{}
	if a := p.faults.Load(); a != nil {
		for client, names := range a.names {
			list[client] = slices.Clone(names)
		}
	}
	return list
}

// startFaults applies Config.Faults: first what changes the settings.
func startFaults(config *Config) (parts []behaviour, names []string, err error) {
	found, err := findFaults(config.Faults)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range found {
		b := f.start()
		if b.configure != nil {
			b.configure(config)
		}
		parts, names = append(parts, b), append(names, f.ID)
	}
	return parts, names, nil
}

func findFaults(names []string) ([]fault, error) {
	var found []fault
	for _, name := range names {
		i := slices.IndexFunc(faults, func(f fault) bool {
			return strings.EqualFold(f.ID, name) || strings.EqualFold(f.Name, name)
		})
		if i < 0 {
			return nil, &UnknownFaultError{Name: name}
		}
		found = append(found, faults[i])
	}
	return found, nil
}

// UnknownFaultError names a fault that does not exist.
type UnknownFaultError struct{ Name string }

func (e *UnknownFaultError) Error() string {
	return fmt.Sprintf("fakeidp: there is no fault %q; devicegrant idp --list-faults lists them", e.Name)
}

// sum puts behaviours together. Requests and responses pass all of them in
// turn; of everything else the last one counts.
func sum(parts []behaviour) (b behaviour) {
	var requests []func(*exchange) bool
	var responses []func(*exchange)
	for _, p := range parts {
		if p.request != nil {
			requests = append(requests, p.request)
		}
		if p.response != nil {
			responses = append(responses, p.response)
		}
		if p.issue != nil {
			b.issue = p.issue
		}
		if p.userCode != nil {
			b.userCode = p.userCode
		}
		if p.listen != nil {
			b.listen = p.listen
		}
		if p.poll != nil {
			b.poll = p.poll
		}
		if p.refusal != nil {
			b.refusal = p.refusal
		}
		if p.foreign != nil {
			b.foreign = p.foreign
		}
		if p.claims != nil {
			b.claims = p.claims
		}
		if p.unchecked != "" {
			b.unchecked = p.unchecked
		}
	}
	if len(requests) > 0 {
		b.request = func(x *exchange) bool {
			return slices.ContainsFunc(requests, func(see func(*exchange) bool) bool { return see(x) })
		}
	}
	if len(responses) > 0 {
		b.response = func(x *exchange) {
			for _, see := range responses {
				see(x)
			}
		}
	}
	return b
}

// serveOddly answers a request while some fault is switched on, or for a personality.
func (p *IdP) serveOddly(a *active, w http.ResponseWriter, r *http.Request) {
	x, err := newExchange(p, r)
	if err != nil {
		errTooLarge.write(w)
		return
	}
	if !p.ways.arrive(x) && !p.limited(x) {
		x.act(a)
	}
	p.ways.leave(x)
	x.send(w)
}

// act has the script, the faults and the server make the answer.
func (x *exchange) act(a *active) {
	if step, ok := x.playFor(); ok {
		x.perform(step)
		return
	}
	b := a.of(x.client())
	if b.request == nil || !b.request(x) {
		x.serve()
	}
	if b.response != nil {
		b.response(x)
	}
}
