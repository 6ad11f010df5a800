package rules

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// granting is one approval's scopes: what was asked for, what the token
// response says, and what the token is worth.
type granting struct {
	response said
	// requested is empty when the request named none.
	requested []string
	// declared is the scope member of the token response.
	declared []string
	declares bool
	// actual is what introspection, or the token itself, says of it.
	actual []string
	known  bool
	source said // of actual
}

// bookkeeping are scopes that some servers leave out of a token, because they
// are about the grant and not about access.
var bookkeeping = []string{"openid", "offline_access"}

// grantingOf reads the scopes of the device called name; ok is false when it
// got no token.
func (j *judging) grantingOf(scenario, name string, tokenLabels ...string) (g granting, ok bool) {
	for _, label := range append(tokenLabels, labels.Join(name, labels.Token)) {
		for _, x := range j.all(scenario, label) {
			if hasToken(x.Exchange) {
				g.response, ok = x, true
				break
			}
		}
		if ok {
			break
		}
	}
	if !ok {
		return g, false
	}
	if request, ok := j.maybe(scenario, labels.Join(name, labels.Device)); ok {
		g.requested = strings.Fields(request.Form().Get("scope"))
	}
	g.declare(j, scenario, name)
	return g, true
}

// declare reads the response and what there is to compare it with.
func (g *granting) declare(j *judging, scenario, name string) {
	o, err := g.response.Object()
	if err != nil {
		return
	}
	if s, ok := o.String("scope"); ok {
		g.declared, g.declares = strings.Fields(s), true
	}
	if x, ok := j.maybe(scenario, labels.Join(name, labels.Introspection)); ok && active(x.Exchange) {
		if about, err := x.Object(); err == nil {
			if s, ok := about.String("scope"); ok {
				g.actual, g.known, g.source = strings.Fields(s), true, x
				return
			}
		}
	}
	if s, ok := o.String("access_token"); ok {
		if claims, ok := j.claimsIn(s); ok {
			for _, name := range []string{"scope", "scp"} {
				if s, ok := claims.String(name); ok {
					g.actual, g.known, g.source = strings.Fields(s), true, g.response
					return
				}
				if list, ok := claims.Strings(name); ok {
					g.actual, g.known, g.source = list, true, g.response
					return
				}
			}
		}
	}
}

// worth is the best that is known of what the token allows.
func (g granting) worth() []string {
	switch {
	case g.known:
		return g.actual
	case g.declares:
		return g.declared
	}
	return g.requested // RFC 6749 section 5.1: no scope member, no difference
}

// active says that an introspection response calls the token active.
func active(x wire.Exchange) bool {
	o, err := x.Object()
	return err == nil && x.Status == 200 && string(o.Raw("active")) == "true"
}

// claimsOf reads the claims of a token that is a JWT, unverified.
func claimsOf(token string) (claims wire.Object, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims, false
	}
	b, err := decodePart(parts[1])
	if err != nil {
		return claims, false
	}
	claims, err = wire.ParseObject(b)
	return claims, err == nil
}

// decodePart undoes the encoding of one part of a JWT.
func decodePart(part string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(part) }

// beyond lists what is in one set of scopes and not in another, bookkeeping
// left aside.
func beyond(scopes, within []string) (more []string) {
	for _, s := range scopes {
		if !slices.Contains(within, s) && !slices.Contains(bookkeeping, s) && !slices.Contains(more, s) {
			more = append(more, s)
		}
	}
	return more
}

func equalScopes(a, b []string) bool { return len(beyond(a, b)) == 0 && len(beyond(b, a)) == 0 }

// namedScopes shows scopes in a message.
func namedScopes(scopes []string) string { return `"` + clip(strings.Join(scopes, " ")) + `"` }

// extraScopes is what a request names beyond the device's own request.
func extraScopes(request wire.Exchange, g granting) (extra []string) {
	for _, s := range strings.Fields(request.Form().Get("scope")) {
		if !slices.Contains(g.requested, s) {
			extra = append(extra, s)
		}
	}
	return extra
}

// common lists the scopes that are in both.
func common(a, b []string) (both []string) {
	for _, s := range a {
		if slices.Contains(b, s) {
			both = append(both, s)
		}
	}
	return both
}
