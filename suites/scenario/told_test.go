package scenario

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// script is what a scenario has to record. Each line is a story told in this
// order; the stories of a scenario may run into each other. "poll/1..3" is three
// labels.
type script struct {
	labels, journeys, attacks string
}

// told are the scenarios on a well-behaved target, with everything in the
// profile. Guessing is not among them: it opens connections of its own.
var told = map[string]script{
	transcript.Metadata:            {labels: "tenant/1..3, document/1..2, advertised"},
	transcript.DeviceAuthorization: {labels: "valid/public, valid/public again, valid/confidential, page"},
	transcript.DeviceErrors:        {labels: `control/public, method/GET, method/PUT, method/HEAD, query/parameters, control/confidential, query/no secret, query/secret, type/json, type/text, type/multipart, type/none, type/charset, client/absent, client/empty, client/unknown, client/other case, client/space added, repeat/same client, repeat/other client, repeat/scope, unknown/added, scope/absent, scope/empty, control/public again, accept/code/any, accept/code/none, accept/absent/any, accept/absent/none`},
	transcript.Scopes:              {labels: "control, unknown, forbidden, malformed/quotes, malformed/spaces, malformed/case"},
	transcript.ClientIdentity:      {labels: "control/public, control/confidential, basic/other form, unauthenticated, basic/token, both/methods, both/failed basic, two/clients, reserved/encoded, not allowed/device"},
	transcript.HostHeaders:         {labels: "control, host/Host, host/X-Forwarded-Host, host/Forwarded"},
	transcript.Transport:           {labels: "control, certificate/scripted, http/device, http/token, http/page, https/page, tls/1.3, tls/1.2, tls/1.1, tls/1.0"},
	transcript.Codes:               {labels: "code/1\ncode/2\ncode/3\ncode/4\ncode/5"},
	transcript.TokenErrors:         {labels: `device/control, control, device/grant_type, grant_type/absent, grant_type/empty, grant_type/device_code, grant_type/upper case, grant_type/trailing space, grant_type/legacy, grant_type/random, device_code/absent, device_code/empty, device/unknown, unknown/random, unknown/half, unknown/changed, unknown/start changed, unknown/end changed, unknown/truncated, unknown/case swapped, unknown/space added, unknown/long, unknown/NUL, unknown/UUID, unknown/LIKE pattern, unknown/glob pattern, unknown/regular expression, unknown/cut at NUL, device/repeat/grant_type, repeat/grant_type, device/repeat/device_code, repeat/device_code, device/repeat/two codes, device/repeat/second code, repeat/two codes, device/repeat/client_id, repeat/client_id, device/repeat/two clients, repeat/two clients, device/extra/parameter, extra/parameter, extra/without, device/accept/pending/any, accept/pending/any, device/accept/pending/none, accept/pending/none, accept/unknown/any, accept/unknown/none, accept/control, accept/absent/any, accept/absent/none`},
	transcript.ClientProofs:        {labels: `control/keyed, proof/first, proof/again, token/control, token/first, token/again, proof/wrong key, proof/no signature, proof/expired, proof/not yet, proof/other audience, proof/other client, control/after, token/wrong key, token/no signature, token/expired, token/not yet, token/other audience, token/other client`},
	transcript.ClientErrors:        {labels: "right/device, wrong/device, right/token, wrong/code, wrong/token, wrong/body, wrong/basic, right/after"},
	transcript.HostileCharacters:   {labels: `device/client_id/quotes, device/scope/quotes, token/client_id/quotes, token/device_code/quotes, token/grant_type/quotes, device/client_id/backslash, device/scope/backslash, token/client_id/backslash, token/device_code/backslash, token/grant_type/backslash, device/client_id/non-ASCII, device/scope/non-ASCII, token/client_id/non-ASCII, token/device_code/non-ASCII, token/grant_type/non-ASCII`},
	transcript.HostileSizes:        {labels: "control, plain/client_id, plain/scope, size/scope, size/body, size/parameters, bytes/NUL, bytes/FF, bytes/escape, bytes/surrogate, bytes/direction, bytes/CRLF, markup/client_id, markup/scope, parameter/device/client_id/plain, parameter/device/client_id/NUL, parameter/device/client_id/FF, parameter/token/client_id/plain, parameter/token/client_id/NUL, parameter/token/client_id/FF, parameter/token/grant_type/plain, parameter/token/grant_type/NUL, parameter/token/grant_type/FF, parameter/token/device_code/plain, parameter/token/device_code/NUL, parameter/token/device_code/FF, parameter/token/refresh_token/plain, parameter/token/refresh_token/NUL, parameter/token/refresh_token/FF, control again"},
	transcript.CrossOriginReads:    {labels: "device, page/verification_uri, page/verification_uri_complete, preflight"},

	transcript.SteadyPolling:    {labels: "device, poll/1..6"},
	transcript.ImpatientPolling: {labels: "device, burst/1..2, obedient/1..3"},
	transcript.Throttle: {labels: `obedient/device, obedient/burst/1..2, obedient/1
patient/device, patient/burst/1..4, patient/1
sticky/device, sticky/burst/1..2, sticky/compliant/1, sticky/old/1
grown/1/device, grown/1/burst/1..2, grown/1/probe
grown/2/device, grown/2/burst/1..2, grown/2/probe
grown/3/device, grown/3/burst/1..2, grown/3/probe
grown/4/device, grown/4/burst/1..2, grown/4/probe
grown/5/device, grown/5/burst/1..2, grown/5/probe
summed/1/device, summed/1/burst/1..4, summed/1/probe
summed/2/device, summed/2/burst/1..4, summed/2/probe
margin/1/device, margin/1/base, margin/1/probe
margin/2/device, margin/2/base, margin/2/probe
margin/3/device, margin/3/base, margin/3/probe
margin/4/device, margin/4/base, margin/4/probe
margin/5/device, margin/5/base, margin/5/probe
margin/6/device, margin/6/base, margin/6/probe
early/device, early/base, early/early, early/probe
counted/device, counted/base, counted/early, counted/probe`},
	transcript.SlowedApproval: {labels: "device, burst/1..2, pending, token/1", journeys: "approve"},
	transcript.HastyNeighbour: {labels: "x/device, hammer/1/1..8, hammer/2/1..8\ny/device, alone/1..2, beside/1..2"},
	transcript.Expiry: {labels: `untouched/device, untouched/expired/1..3
polled/device, polled/alive/1..99, polled/expired/1..3
alive/device, alive/before, alive/poll
decided/device, decided/before, decided/token
approved/device, approved/expired
opened/device, opened/poll
entered/device, entered/poll`, journeys: "decided\napproved\nopened\nentered"},

	transcript.Approval:      {labels: "device, bystander/device, pending, bystander/before, token/1, bystander/poll, reuse/1..2", journeys: "approve"},
	transcript.EarlyApproval: {labels: "served/device, served/poll, device, token/1", journeys: "approve"},
	transcript.Denial:        {labels: "device, pending, denied/1..3", journeys: "deny"},
	transcript.NoSession: {labels: "device/not logged in, poll/not logged in\ndevice/wrong password, poll/wrong password\ndevice/session forgotten, before/session forgotten, poll/session forgotten",
		journeys: "not logged in\nwrong password\nsession forgotten"},
	transcript.WrongUserCodes:  {labels: "device, before, pending, token/1", journeys: "never issued, empty, one character, 500 characters, NUL, emoji, fullwidth letters, SQL and LDAP metacharacters, first character changed, last character changed, approve"},
	transcript.CompleteURI:     {labels: "before/device, before/token/1, device, before look, after look, follow/device, token/1", journeys: "approve before, look, follow"},
	transcript.RepeatedConsent: {labels: "before/device, device, before/token/1, after typing", journeys: "approve before, type again"},
	transcript.CodeEntry: {labels: "device/complete URI, device/as printed, device/other case, device/without separators, device/dashes added, device/spaces around, device/spaces inside",
		journeys: "complete URI, as printed, other case, without separators, dashes added, spaces around, spaces inside"},
	transcript.Abandoned: {labels: "login/device, login/before, login/poll/1..2\ndecision/device, decision/before, decision/poll/1..2",
		journeys: "stop at login, again at login\nstop at decision, again at decision"},
	transcript.DecidedCodes: {labels: `denied/device, denied/after
uncollected/device, uncollected/token/1, uncollected/whose/userinfo
collected/device, collected/token/1, collected/whose/userinfo, collected/after`,
		journeys: "denied first, denied same, denied other\nuncollected first, uncollected same, uncollected other\ncollected first, collected same, collected other"},
	transcript.TwoPeople: {labels: `denied/device, denied/after
collected/device, collected/token/1, collected/whose/userinfo, collected/after
uncollected/device, uncollected/token/1, uncollected/whose/userinfo, uncollected/after
at once 1/device, at once 1/token/1, at once 1/whose/userinfo, at once 1/after
at once 2/device, at once 2/token/1, at once 2/whose/userinfo, at once 2/after
at once 3/device, at once 3/token/1, at once 3/whose/userinfo, at once 3/after`,
		journeys: "denied a, denied b, collected a, collected b, uncollected a, uncollected b\nat once 1 a\nat once 1 b\nat once 2 a\nat once 2 b\nat once 3 a\nat once 3 b"},
	transcript.Tenants: {labels: `document/1, own/device, client/device, pending/device, approved/device, page/device, guest/device, pending/their client, pending/our client, pending/owner, approved/their client, approved/our client, approved/owner/1, page/owner, guest/owner, own/token/1, own/introspection`,
		journeys: "own, page, guest, approve"},
	transcript.Fleet: {labels: `device/1, poll/1/1..2, owner/1/userinfo
device/2, poll/2/1..2, owner/2/userinfo
device/3, poll/3/1..2, owner/3/userinfo
device/4, poll/4/1..2, owner/4/userinfo
device/5, poll/5/1..2
device/6, poll/6/1..2
device/7, poll/7/1..3
device/8, poll/8/1..3`, journeys: "first approves 1, first approves 2, first denies 5, first denies 6\nsecond approves 3, second approves 4"},
	transcript.RepeatedGrants: {labels: "device/2, device/1, approved/1/1\npoll/2/1, approved/2/1", journeys: "approve 1, approve 2"},
	transcript.RacingPolls:    {labels: "device/1, race/1/1..3\ndevice/2, race/2/1..3", journeys: "approve 1, approve 2"},
	transcript.LostAnswers:    {labels: "device/1, lost/1, again/1/1\ndevice/2, lost/2, again/2/1", journeys: "approve 1, approve 2"},
	transcript.DecisionRaces: {labels: "deny/device/1..2, approve/device/1..4\n" +
		apart("deny/after/%d/1", 2) + apart("deny/race/%d/1", 2) + apart("deny/race/%d/2", 2) +
		apart("approve/after/%d/1", 4) + apart("approve/race/%d/1", 4) + apart("approve/race/%d/2", 4),
		journeys: "deny 1, deny 2, approve 1, approve 2, approve 3, approve 4"},

	transcript.ForeignClient: {labels: "other/device, control, pending/device, pending/foreign, pending/foreign/2, pending/foreign/3, pending/stranger, pending/owner, denied/device, approved/device, approved/foreign, approved/foreign/2, approved/foreign/3, approved/stranger, denied/foreign, denied/foreign/2, denied/foreign/3, denied/owner, approved/owner/1",
		journeys: "deny, approve"},
	transcript.UnprovenClient: {labels: `pending/public, pending/public/absent, pending/public/right, pending/confidential, pending/confidential/secretless, pending/confidential/right
public/device, public/absent, public/failed basic, public/redeem/1
confidential/device, confidential/secretless, confidential/wrong, confidential/foreign, confidential/redeem/1`, journeys: "approve public, approve confidential"},
	transcript.TokenTransport: {labels: `types/device, types/control, type/json, type/text, type/multipart, type/none, type/charset, types/after, secret/device, secret/none, secret/query, secret/right, device, method/GET, method/PUT, query/code, redeem/1
variant/device, variant/token/1`,
		journeys: "approve, approve variant"},
	transcript.TokenUse: {labels: `served/device, served/poll, user code as device code/device, user code as device code/poll, pending introspection/device code, pending introspection/user code, user code as device code/control, full/device, partial/device, mixed/device, other/device, narrowed/device, default/device, empty/device, unknown/device, typed/device
full/token/1, full/introspection, full/userinfo, bare userinfo, jwks, mixed/as code, mixed/as refresh token, mixed/token/1, access token as device code, before revocation/introspection, before revocation/userinfo, foreign revocation, after foreign revocation/introspection, after foreign revocation/userinfo, unknown revocation, revocation, after revocation/introspection, after revocation/userinfo, refresh revocation, revoked refresh, after refresh revocation/introspection
other/token/1, other/introspection, other/userinfo
partial/widened, partial/introspection, partial/userinfo
narrowed/token/1, narrowed/introspection, narrowed/userinfo
default/token/1, default/introspection, default/userinfo
empty/token/1, empty/introspection, empty/userinfo`,
		journeys: "approve partial, approve narrowed, approve default, approve empty, approve mixed, approve other, approve full, device code typed"},
	transcript.Refresh: {labels: `binding/device, binding/token/1, binding/owner/1, binding/foreign, binding/owner/2, binding/larger
replay/device, replay/token/1, replay/first, replay/current, replay/second, replay/after`, journeys: "approve binding, approve replay"},
	transcript.Extensions: {labels: `parameters/control, parameters/OIDC, parameters/request_uri, details/malformed, details/unknown
resource/relative
resource/fragment
resource/unknown
pkce/device, pkce/wrong, pkce/missing, pkce/right
verifier/device, verifier/right
replay/device, dpop/device, dpop/bad/htu, dpop/bad/htm, dpop/bad/iat, dpop/bad/typ, dpop/bad/alg none, dpop/bad/private key, dpop/bad/two headers, dpop/plain, dpop/nonce, dpop/introspection, dpop/refresh other key, dpop/refresh, replay/challenge, replay/first, replay/again
resource/device, resource/token/1, resource/introspection
details/device, details/token/1`, journeys: "approve pkce\napprove verifier\napprove dpop\napprove resource\napprove details"},

	transcript.CrossSite: {labels: `device/another session, device/untouched, device/cross-site/no token, device/cross-site/other token, device/cross-site/query, poll/untouched, poll/cross-site/no token, poll/cross-site/other token, poll/cross-site/query, device/raw/no token, device/raw/other token, poll/raw/no token, poll/raw/other token, device/raw/foreign origin, poll/raw/foreign origin, device/raw/control, device/unseen/form, device/unseen/link, poll/raw/control, poll/unseen/form, poll/unseen/link`,
		journeys: "another session, untouched, cross-site/no token, cross-site/other token, cross-site/query, raw/no token, raw/other token, raw/foreign origin, raw/control",
		attacks:  "cross-site/no token, cross-site/other token, cross-site/query, raw/no token, raw/other token, raw/foreign origin, raw/control, unseen/form, unseen/link"},
	transcript.Redirection: {labels: `device/verification_uri/absolute, device/logged-in/absolute, device/login/absolute, device/verification_uri/protocol-relative, device/logged-in/protocol-relative, device/login/protocol-relative`,
		journeys: "verification_uri/absolute, logged-in/absolute, login/absolute, verification_uri/protocol-relative, logged-in/protocol-relative, login/protocol-relative",
		attacks:  "verification_uri/absolute, logged-in/absolute, login/absolute, verification_uri/protocol-relative, logged-in/protocol-relative, login/protocol-relative"},
	transcript.Injection: {labels: "device", journeys: "typed/plain, typed/text, typed/attribute, typed/single quotes, typed/script, typed/template",
		attacks: `verification_uri/plain, verification_uri_complete/plain, typed/plain, verification_uri/text, verification_uri_complete/text, typed/text, verification_uri/attribute, verification_uri_complete/attribute, typed/attribute, verification_uri/single quotes, verification_uri_complete/single quotes, typed/single quotes, verification_uri/script, verification_uri_complete/script, typed/script, verification_uri/template, verification_uri_complete/template, typed/template`},
	transcript.Framing: {labels: "device/decision, device/wrong code", journeys: "decision, wrong code", attacks: "frame/code, frame/login, frame/consent"},
}

// usual is a telling of one scenario on a well-behaved target.
func usual(name string) *telling { return &telling{https: name == transcript.Transport} }

// stories reads the lines of a script.
func stories(script string) (list [][]string) {
	for line := range strings.SplitSeq(script, "\n") {
		var story []string
		for label := range strings.SplitSeq(line, ", ") {
			stem, last, ranged := strings.Cut(label, "..")
			slash := strings.LastIndexByte(stem, '/')
			if n, err := strconv.Atoi(last); ranged && err == nil {
				for i := 1; i <= n; i++ {
					story = append(story, stem[:slash+1]+strconv.Itoa(i))
				}
			} else if label != "" {
				story = append(story, label)
			}
		}
		list = append(list, story)
	}
	return list
}

// unlike says in what the names that were recorded differ from the script; ""
// is not at all.
func unlike(script string, got []string) string {
	var all []string
	for _, story := range stories(script) {
		all = append(all, story...)
	}
	wanted, had := slices.Sorted(slices.Values(all)), slices.Sorted(slices.Values(got))
	if !slices.Equal(wanted, had) {
		var missing, more []string
		count := map[string]int{}
		for _, name := range wanted {
			count[name]++
		}
		for _, name := range had {
			if count[name]--; count[name] < 0 {
				more = append(more, name)
			}
		}
		for _, name := range slices.Compact(wanted) {
			if count[name] > 0 {
				missing = append(missing, name)
			}
		}
		return fmt.Sprintf("missing %q, and beyond the script %q", missing, more)
	}
	for _, story := range stories(script) {
		place := 0
		for _, name := range got {
			if place < len(story) && name == story[place] {
				place++
			}
		}
		if place < len(story) {
			return fmt.Sprintf("%q comes out of order in %q", story[place], got)
		}
	}
	return ""
}

func (s script) check(t *testing.T, said transcript.Transcript) {
	t.Helper()
	if said.Aborted+said.Absent+said.Skipped != "" || len(said.Late)+len(said.Again) > 0 {
		t.Errorf("it did not come to its end: %q %q %q %v %v", said.Aborted, said.Absent, said.Skipped, said.Late, said.Again)
	}
	for what, unlike := range map[string]string{
		"labels": unlike(s.labels, labelsOf(said)), "journeys": unlike(s.journeys, journeysOf(said)), "attacks": unlike(s.attacks, attacksOf(said)),
	} {
		if unlike != "" {
			t.Errorf("%s: %s", what, unlike)
		}
	}
	for i, x := range said.Exchanges {
		if x.N != i+1 {
			t.Fatalf("the exchange %s has the number %d in place %d", x.Label, x.N, i+1)
		}
	}
}

// TestTold: every scenario records its labels, in their order, and nothing else.
func TestTold(t *testing.T) {
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			want, ok := told[s.Name]
			if !ok && s.Name == transcript.Guessing {
				t.Skip("it opens connections of its own")
			}
			if !ok {
				t.Fatal("the scenario has no script here")
			}
			want.check(t, usual(s.Name).one(t, s.Name))
		})
	}
}

// otherwise is a scenario about a target, a profile or a person that is not the
// usual one.
type otherwise struct {
	name, scenario string
	telling        *telling
	want           script
}

// TestToldOtherwise: what the scenarios do then.
func TestToldOtherwise(t *testing.T) {
	for _, test := range toldOtherwise() {
		t.Run(test.name, func(t *testing.T) { test.want.check(t, test.telling.one(t, test.scenario)) })
	}
}

func toldOtherwise() []otherwise {
	firstPolls := func(which int, polls ...string) *telling {
		return &telling{at: &idp{polls: func(n int) []string {
			if n == which {
				return slices.Clone(polls)
			}
			return nil
		}}}
	}
	allPolls := func(polls ...string) *telling {
		return &telling{at: &idp{polls: func(int) []string { return slices.Clone(polls) }}}
	}
	with := func(change func(*profiles.Profile)) *telling { return &telling{profile: change} }
	instead := func(meddle func(n int, w http.ResponseWriter, r *http.Request) bool) *telling {
		return &telling{at: &idp{meddle: meddle}}
	}
	outcome := func(outcome transcript.Outcome, names ...string) *telling {
		return &telling{by: &people{meet: func(_ int, task useragent.Task) (transcript.Outcome, bool) {
			return outcome, slices.Contains(names, task.Name)
		}}}
	}
	const pending, slower = "authorization_pending", "slow_down"
	return []otherwise{
		{"a slow_down in a steady pace is looked at again", transcript.SteadyPolling, firstPolls(1, pending, slower),
			script{labels: "device, poll/1..6, again/device, again/poll/1..6"}},
		{"no slow_down for a burst", transcript.ImpatientPolling, &telling{at: &idp{unthrottled: true}},
			script{labels: "device, burst/1..5, obedient/1..3"}},
		{"another answer ends a burst", transcript.ImpatientPolling, allPolls(pending, "expired_token"),
			script{labels: "device, burst/1..2, obedient/1..3"}},
		{"nothing left to approve", transcript.SlowedApproval, allPolls(slower, "expired_token"),
			script{labels: "device, burst/1, pending"}},
		{"a throttle that is none", transcript.Throttle, &telling{at: &idp{unthrottled: true}}, script{labels: `obedient/device, obedient/burst/1..5
patient/device, patient/burst/1..5
sticky/device, sticky/burst/1..5
grown/1/device, grown/1/burst/1..5
grown/2/device, grown/2/burst/1..5
grown/3/device, grown/3/burst/1..5
grown/4/device, grown/4/burst/1..5
grown/5/device, grown/5/burst/1..5
summed/1/device, summed/1/burst/1..5
summed/2/device, summed/2/burst/1..5
margin/1/device, margin/1/base
margin/2/device, margin/2/base
margin/3/device, margin/3/base
margin/4/device, margin/4/base
margin/5/device, margin/5/base
margin/6/device, margin/6/base
early/device, early/base
counted/device, counted/base`}},
		{"a neighbour who suffers is looked at again", transcript.HastyNeighbour, firstPolls(2, pending, pending, slower),
			script{labels: "x/device, hammer/1/1..8\ny/device, alone/1..2, beside/1\nagain/x/device, again/hammer/1/1..8, again/hammer/2/1..8\nagain/y/device, again/alone/1..2, again/beside/1..2"}},
		{"not accepted alone", transcript.HastyNeighbour, firstPolls(2, slower),
			script{labels: "x/device\ny/device, alone/1, later/x/device, later/y/device\nlater/hammer/1/1..8, later/hammer/2/1..8\nlater/alone/1..2, later/beside/1..2"}},

		{"an approval that is seen late", transcript.EarlyApproval, allPolls(pending, slower), script{labels: "served/device, served/poll, device, token/1..3", journeys: "approve"}},
		{"an approval that is not seen", transcript.EarlyApproval, allPolls(pending, pending, pending, pending), script{labels: "served/device, served/poll, device, token/1..3", journeys: "approve"}},
		{"a poll that is lost is no answer", transcript.EarlyApproval, allPolls("500"), script{labels: "served/device, served/poll, served/poll, device, token/1, token/1", journeys: "approve"}},
		{"a confidential client that is not served", transcript.EarlyApproval, firstPolls(1, "invalid_client"), script{labels: "served/device, served/poll, device, token/1", journeys: "approve"}},
		{"an overloaded target is asked again", transcript.EarlyApproval, allPolls("503"), script{labels: "served/device, served/poll, served/poll, device, token/1, token/1", journeys: "approve"}},
		{"a race that nobody wins", transcript.RacingPolls, allPolls(pending, pending, pending),
			script{labels: "device/1, race/1/1..3, after/1/1\ndevice/2, race/2/1..3, after/2/1", journeys: "approve 1, approve 2"}},
		{"a rate that lets nobody race twice", transcript.RacingPolls, with(func(p *profiles.Profile) { p.Limits.Rate = 0.4 }),
			script{labels: "device/1, race/1/1..3", journeys: "approve 1"}},

		{"short lives: the login comes first", transcript.Expiry, &telling{at: &idp{lifetime: 40}}, script{labels: `untouched/device, untouched/expired/1..3
polled/device, polled/alive/1..6, polled/expired/1..3
alive/device, alive/before, alive/poll
login/decided/device, decided/device, decided/before, decided/token
login/approved/device, approved/device, approved/expired
login/opened/device, opened/device, opened/poll
entered/device, entered/poll`, journeys: "login decided, decided\nlogin approved, approved\nlogin opened, opened\nentered"}},

		{"no complete URI to look at", transcript.CrossOriginReads, &telling{at: &idp{plain: true}}, script{labels: "device, page/verification_uri, preflight"}},
		{"no complete URI to poison", transcript.Injection, &telling{at: &idp{plain: true}}, script{labels: "device", journeys: told[transcript.Injection].journeys,
			attacks: "verification_uri/plain, typed/plain, verification_uri/text, typed/text, verification_uri/attribute, typed/attribute, verification_uri/single quotes, typed/single quotes, verification_uri/script, typed/script, verification_uri/template, typed/template"}},
		{"strangers have to log in first", transcript.Injection, &telling{at: &idp{plain: true}, by: &people{loginFirst: true}}, script{labels: "device, device/logged in",
			journeys: told[transcript.Injection].journeys + ", logged in, logged in/typed/plain, logged in/typed/text, logged in/typed/attribute, logged in/typed/single quotes, logged in/typed/script, logged in/typed/template",
			attacks:  "verification_uri/plain, typed/plain, verification_uri/text, typed/text, verification_uri/attribute, typed/attribute, verification_uri/single quotes, typed/single quotes, verification_uri/script, typed/script, verification_uri/template, typed/template, logged in/verification_uri/plain, logged in/typed/plain, logged in/verification_uri/text, logged in/typed/text, logged in/verification_uri/attribute, logged in/typed/attribute, logged in/verification_uri/single quotes, logged in/typed/single quotes, logged in/verification_uri/script, logged in/typed/script, logged in/verification_uri/template, logged in/typed/template"}},
		{"no complete URI to enter", transcript.CodeEntry, &telling{at: &idp{plain: true}},
			script{labels: told[transcript.CodeEntry].labels, journeys: "as printed, other case, without separators, dashes added, spaces around, spaces inside"}},
		{"no refresh tokens", transcript.Refresh, &telling{at: &idp{plain: true}}, script{labels: "binding/device, binding/token/1\nreplay/device, replay/token/1", journeys: "approve binding, approve replay"}},
		{"a way that is refused is tried once more", transcript.CodeEntry, outcome(transcript.CodeRejected, "other case"), script{
			labels:   "device/complete URI, device/as printed, device/other case, device/other case/again, device/without separators, device/dashes added, device/spaces around, device/spaces inside",
			journeys: "complete URI, as printed, other case, other case/again, without separators, dashes added, spaces around, spaces inside"}},
		{"a page that means it is asked once", transcript.CodeEntry, outcome(transcript.CodeRejected, "other case", "other case/again", "dashes added", "spaces around"), script{
			labels:   "device/complete URI, device/as printed, device/other case, device/other case/again, device/without separators, device/dashes added, device/spaces around, device/spaces inside",
			journeys: "complete URI, as printed, other case, other case/again, without separators, dashes added, spaces around, spaces inside"}},

		{"scopes that the page leaves to the person", transcript.Scopes, &telling{at: &idp{lenient: true}},
			script{labels: "control, unknown, forbidden, malformed/quotes, malformed/spaces, malformed/case, token/1, introspection", journeys: "approve forbidden"}},
		{"no scope is forbidden", transcript.Scopes, &telling{at: &idp{lenient: true}, profile: func(p *profiles.Profile) { p.ForbiddenScope = "" }},
			script{labels: "control, unknown, malformed/quotes, malformed/spaces, malformed/case, token/1, introspection", journeys: "approve unknown"}},
		{"codes for a client without the grant", transcript.ClientIdentity, &telling{at: &idp{lenient: true}},
			script{labels: told[transcript.ClientIdentity].labels + ", not allowed/poll, token/1, introspection", journeys: "approve not allowed"}},
		{"two clients in one request, and codes for both", transcript.ClientIdentity, instead(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if user, _, _ := r.BasicAuth(); user == "box" && r.URL.Path == "/device" {
				r.Header.Del("Authorization")
				say(w, 200, map[string]any{"device_code": "whose-is-it", "user_code": "WHOSE"})
				return true
			}
			return false
		}), script{labels: "control/public, control/confidential, basic/other form, unauthenticated, basic/token, basic/token again, both/methods, both/failed basic, two/clients, two/as body, two/clients again, two/as header, two/own code, two/control, reserved/encoded, not allowed/device"}},
		{"a token endpoint that refuses HTTP Basic", transcript.ClientIdentity, firstPolls(2, "invalid_client"),
			script{labels: strings.Replace(told[transcript.ClientIdentity].labels, "basic/token, ", "basic/token, basic/token body, ", 1)}},
		{"codes that end with their first poll", transcript.ClientIdentity, firstPolls(2, "invalid_grant"),
			script{labels: strings.Replace(told[transcript.ClientIdentity].labels, "basic/token, ", "basic/token, basic/token again, ", 1)}},
		{"clients that have to use the body", transcript.ClientIdentity, instead(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Authorization") == "" || r.URL.Path != "/device" {
				return false
			}
			refuse(w, 401, "invalid_client")
			return true
		}), script{labels: "control/public, control/confidential, control/body, basic/other form, unauthenticated, both/methods, both/failed basic, two/clients, reserved/encoded, reserved/body, not allowed/device"}},
		{"a body that gives codes away", transcript.TokenTransport, &telling{at: &idp{meddle: func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == "GET" && r.URL.Path == "/token" {
				say(w, 200, map[string]any{"access_token": "by-get"})
				return true
			}
			return false
		}}}, script{labels: "types/device, types/control, type/json, type/text, type/multipart, type/none, type/charset, types/after, secret/device, secret/none, secret/query, secret/right, device, method/GET\nvariant/device, variant/token/1\nvariant again/device, variant again/token/1", journeys: "approve, approve variant, approve variant again"}},

		{"a profile without more than one client and user", transcript.TokenUse, with(alone), script{labels: `user code as device code/device, user code as device code/poll, user code as device code/control, full/device, partial/device, mixed/device, other/device, narrowed/device, default/device, empty/device, unknown/device, typed/device
full/token/1, full/userinfo, bare userinfo, jwks, mixed/as code, mixed/as refresh token, mixed/token/1, access token as device code, before revocation/userinfo, unknown revocation, revocation, after revocation/userinfo, refresh revocation, revoked refresh
partial/widened, partial/userinfo
default/token/1, default/userinfo
empty/token/1, empty/userinfo`, journeys: "approve partial, approve default, approve empty, approve mixed, approve full, device code typed"}},
		{"what nobody approved is refused", transcript.TokenUse, &telling{at: &idp{strict: true}},
			script{labels: strings.Replace(told[transcript.TokenUse].labels, "partial/widened, ", "partial/widened, partial/token/1, ", 1), journeys: told[transcript.TokenUse].journeys}},
		{"what nobody approved is given", transcript.Refresh, &telling{at: &idp{generous: true}},
			script{labels: strings.Replace(told[transcript.Refresh].labels, "binding/larger", "binding/larger, binding/larger/introspection", 1), journeys: told[transcript.Refresh].journeys}},
		{"nobody else may refresh", transcript.Refresh, with(alone), script{labels: "binding/device, binding/token/1, binding/owner/1, binding/owner/2, binding/larger\nreplay/device, replay/token/1, replay/first, replay/current, replay/second, replay/after",
			journeys: "approve binding, approve replay"}},
		{"no extension but those that are ignored", transcript.Extensions, with(alone), script{labels: `parameters/control, parameters/OIDC, parameters/request_uri, details/malformed, details/unknown
resource/relative
resource/fragment
resource/unknown
pkce/device, pkce/wrong, pkce/missing, pkce/right
verifier/device, verifier/right
dpop/device, dpop/plain, dpop/nonce, dpop/refresh other key, dpop/refresh`, journeys: "approve pkce\napprove verifier\napprove dpop"}},
		{"DPoP by the metadata", transcript.Extensions, with(func(p *profiles.Profile) { p.Capabilities = profiles.Capabilities{} }), script{labels: `parameters/control, parameters/OIDC, parameters/request_uri, details/malformed, details/unknown
resource/relative
resource/fragment
resource/unknown
pkce/device, pkce/wrong, pkce/missing, pkce/right
verifier/device, verifier/right
document, replay/device, dpop/device, document, dpop/bad/htu, dpop/bad/htm, dpop/bad/iat, dpop/bad/typ, dpop/bad/alg none, dpop/bad/private key, dpop/bad/two headers, dpop/plain, dpop/nonce, dpop/introspection, dpop/refresh other key, dpop/refresh, replay/challenge, replay/first, replay/again`,
			journeys: "approve pkce\napprove verifier\napprove dpop"}},
		{"no secret to leave out", transcript.UnprovenClient, with(alone), script{labels: "pending/public, pending/public/absent, pending/public/right, public/device, public/absent, public/failed basic, public/redeem/1", journeys: "approve public"}},
		{"the confidential client alone is proved", transcript.UnprovenClient, with(func(p *profiles.Profile) { p.Clients.Public = p.Clients.Reserved; p.Clients.Reserved = nil }), script{
			labels: "pending/confidential, pending/confidential/secretless, pending/confidential/right, confidential/device, confidential/secretless, confidential/wrong, confidential/redeem/1", journeys: "approve confidential"}},
		{"no scopes at all", transcript.DeviceErrors, with(alone), script{labels: `control/public, method/GET, method/PUT, method/HEAD, query/parameters, type/json, type/text, type/multipart, type/none, type/charset, client/absent, client/empty, client/unknown, client/other case, client/space added, repeat/same client, repeat/other client, unknown/added, scope/absent, scope/empty, control/public again, accept/code/any, accept/code/none, accept/absent/any, accept/absent/none`}},
		{"nobody who is refused", transcript.NoSession, with(alone), script{labels: "device/not logged in, poll/not logged in\ndevice/session forgotten, before/session forgotten, poll/session forgotten", journeys: "not logged in\nsession forgotten"}},
		{"no way to deny", transcript.ForeignClient, outcome(transcript.NoWayToDeny, "deny"), script{
			labels:   "other/device, control, pending/device, pending/foreign, pending/foreign/2, pending/foreign/3, pending/stranger, pending/owner, denied/device, approved/device, approved/foreign, approved/foreign/2, approved/foreign/3, approved/stranger, approved/owner/1",
			journeys: "deny, approve"}},
		{"no way to deny in a race", transcript.DecisionRaces, outcome(transcript.NoWayToDeny, "deny 1"), script{
			labels: "deny/device/1, approve/device/1..4\n" +
				apart("approve/after/%d/1", 4) + apart("approve/race/%d/1", 4) + apart("approve/race/%d/2", 4),
			journeys: "deny 1, approve 1, approve 2, approve 3, approve 4"}},
		{"a page that hangs hangs every time", transcript.WrongUserCodes, hanging("never issued"), script{labels: told[transcript.WrongUserCodes].labels, journeys: "never issued, approve"}},
		{"the poisoned address leads nowhere", transcript.Redirection, outcome(transcript.ErrorPage, "verification_uri/absolute"), script{
			labels:   `device/verification_uri/absolute, device/without/absolute, device/logged-in/absolute, device/login/absolute, device/verification_uri/protocol-relative, device/logged-in/protocol-relative, device/login/protocol-relative`,
			journeys: "verification_uri/absolute, without/absolute, logged-in/absolute, login/absolute, verification_uri/protocol-relative, logged-in/protocol-relative, login/protocol-relative",
			attacks:  told[transcript.Redirection].attacks}},
	}
}

// alone leaves one client and one user in a profile, and no capabilities.
func alone(p *profiles.Profile) {
	p.Clients, p.Users, p.Tenant = profiles.Clients{Public: p.Clients.Public}, profiles.Users{First: p.Users.First}, nil
	p.Discovery, p.Scopes, p.Capabilities = "off", nil, profiles.Capabilities{}
}
