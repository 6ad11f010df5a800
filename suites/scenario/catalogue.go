package scenario

import (
	"slices"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// basic are the conversations of a device that does everything right. What goes
// wrong in them is the server's doing, so nothing rough runs beside them.
var basic = []string{transcript.SteadyPolling, transcript.Approval, transcript.EarlyApproval, transcript.Denial}

// What may lock a client, an account or an address comes after everything else,
// the most harmful last (see [Scenario]).
const (
	manyRequests = iota + 1
	wrongSecrets
	raisesAlarms
	lastOfAll
)

// All returns every scenario. The long ones are first, so that a busy machine
// starts them first.
func All() []Scenario { return slices.Clone(all) }

var all = []Scenario{
	{Name: transcript.Expiry, Expiry: true, run: expiry,
		About: "unused codes, codes approved late or too late, and polls after their lifetime"},
	{Name: transcript.Throttle, Hurry: true, Rough: true, run: throttle,
		About: "devices that measure in parallel when slow_down comes and how long it lasts"},
	{Name: transcript.SlowedApproval, Browser: true, Login: true, Hurry: true, Rough: true, run: slowedApproval,
		About: "an end user approves a device that got slow_down and slowed down"},
	{Name: transcript.HastyNeighbour, Hurry: true, Rough: true, run: hastyNeighbour,
		About: "one device polls far too fast while another of the same client is compliant"},
	{Name: transcript.ImpatientPolling, Hurry: true, Rough: true, run: impatientPolling,
		About: "polls faster than the interval until slow_down comes, then at the slower pace"},
	{Name: transcript.SteadyPolling, run: steadyPolling,
		About: "six polls at the advertised interval"},
	{Name: transcript.Approval, Browser: true, Login: true, run: approval,
		About: "an end user approves; the device collects its token, then tries the code again"},
	{Name: transcript.TokenUse, Browser: true, Login: true, run: tokenUse,
		About: "tokens of several approvals, inspected, used, mixed up and revoked"},
	{Name: transcript.Refresh, Browser: true, Login: true, run: refresh,
		About: "refresh tokens used by their client, by another client, and once too often"},
	{Name: transcript.Extensions, Browser: true, Login: true, run: extensions,
		About: "PKCE, DPoP, resource indicators and rich requests, valid and invalid"},
	{Name: transcript.UnprovenClient, Browser: true, Login: true, run: unprovenClient,
		About: "polls that do not identify or authenticate the client"},
	{Name: transcript.ForeignClient, Browser: true, Login: true, run: foreignClient,
		About: "another client presents the device codes of the first"},
	{Name: transcript.TokenTransport, Browser: true, run: tokenTransport,
		About: "device access token requests in the query, by GET, and in other media types"},
	{Name: transcript.EarlyApproval, Browser: true, Login: true, run: earlyApproval,
		About: "an end user approves before the device polls"},
	{Name: transcript.Denial, Browser: true, Login: true, run: denial,
		About: "an end user denies; the device continues to poll"},
	{Name: transcript.DecisionRaces, Browser: true, Login: true, Hurry: true, Rough: true, run: decisionRaces,
		About: "polls at the moment an end user denies or approves, for several codes"},
	{Name: transcript.RacingPolls, Browser: true, Login: true, Hurry: true, Rough: true, run: racingPolls,
		About: "approved codes, each redeemed by many simultaneous polls"},
	{Name: transcript.LostAnswers, Browser: true, Login: true, Rough: true, run: lostAnswers,
		About: "the connection closes before the token arrives; the device polls again"},
	{Name: transcript.Fleet, Browser: true, Login: true, Hurry: true, Rough: true, run: fleet,
		About: "many devices that poll at once, some approved by one end user, some by another, some denied"},
	{Name: transcript.RepeatedGrants, Browser: true, Login: true, run: repeatedGrants,
		About: "the ordinary way again and again: one end user approves one device after another"},
	{Name: transcript.NoSession, Browser: true, Pages: true, Login: true, Late: true, run: noSession,
		About: "approvals without a logged-in end user"},
	{Name: transcript.WrongUserCodes, Browser: true, Login: true, run: wrongUserCodes,
		About: "user codes that were never issued, then the correct one"},
	{Name: transcript.CompleteURI, Browser: true, Pages: true, Login: true, run: completeURI,
		About: "verification_uri_complete, opened and then followed by an end user who approved before"},
	{Name: transcript.DecidedCodes, Browser: true, Login: true, run: decidedCodes,
		About: "decided user codes, entered again by the same and by another end user"},
	{Name: transcript.TwoPeople, Browser: true, Login: true, run: twoPeople,
		About: "two end users at the decision page for one code, in turn and at once"},
	{Name: transcript.Tenants, Browser: true, Login: true, run: tenants,
		About: "codes, clients, end users and tokens of one tenant, used at another"},
	{Name: transcript.Abandoned, Browser: true, Pages: true, Login: true, run: abandoned,
		About: "an end user enters the code, closes the browser, and returns"},
	{Name: transcript.CodeEntry, Browser: true, Login: true, run: codeEntry,
		About: "codes in the other case, with and without dashes and spaces, and by the complete URI"},
	{Name: transcript.RepeatedConsent, Browser: true, Pages: true, Login: true, run: repeatedConsent,
		About: "a code typed by a logged-in end user who approved the client before, without a decision"},
	{Name: transcript.Guessing, Browser: true, Last: lastOfAll, run: guessing,
		About: "wrong user codes in a row until the guesser is limited, then some tricks"},
	{Name: transcript.CrossSite, Browser: true, Pages: true, Login: true, run: crossSite,
		About: "decisions that a hostile page, or someone with the cookies, sends for the end user"},
	{Name: transcript.Redirection, Browser: true, Pages: true, Login: true, run: redirection,
		About: "pages with parameters that point to a foreign site"},
	{Name: transcript.Injection, Browser: true, Pages: true, Rough: true, run: injection,
		About: "markup, scripts and templates in parameters and in place of the user code"},
	{Name: transcript.Framing, Browser: true, Pages: true, Login: true, run: framing,
		About: "the pages in a frame of a hostile site"},
	{Name: transcript.Metadata, run: metadata,
		About: "the metadata documents, and the endpoint they name"},
	{Name: transcript.DeviceAuthorization, run: deviceAuthorization,
		About: "valid device authorization requests, and a GET of the verification URI"},
	{Name: transcript.CrossOriginReads, run: crossOriginReads,
		About: "the pages, requested by a script of a foreign page"},
	{Name: transcript.DeviceErrors, Rough: true, run: deviceErrors,
		About: "device authorization requests with one error each"},
	{Name: transcript.Scopes, Browser: true, run: scopes,
		About: "scopes that are unknown, forbidden or malformed"},
	{Name: transcript.ClientIdentity, Browser: true, run: clientIdentity,
		About: "clients that do not authenticate, authenticate twice, or may not use the grant"},
	{Name: transcript.HostHeaders, run: hostHeaders,
		About: "device authorization requests with a foreign host name"},
	{Name: transcript.Transport, run: transport,
		About: "the same URLs over http, old TLS versions, and the certificates"},
	{Name: transcript.Codes, Last: manyRequests, run: codes,
		About: "many device authorization requests at once"},
	{Name: transcript.TokenErrors, Rough: true, run: tokenErrors,
		About: "device access token requests with one error each"},
	{Name: transcript.ClientProofs, Last: wrongSecrets, run: clientProofs,
		About: "client assertions and certificates that are not the client's, or no longer good"},
	{Name: transcript.ClientErrors, Last: wrongSecrets, run: clientErrors,
		About: "a wrong client secret at each endpoint"},
	{Name: transcript.HostileCharacters, Rough: true, run: hostileCharacters,
		About: "quotes, backslashes and non-ASCII characters in requests that must fail"},
	{Name: transcript.HostileSizes, Last: raisesAlarms, run: hostileSizes,
		About: "requests that are too large or contain invalid text"},
}

// ByName returns the scenario with that name.
func ByName(name string) (Scenario, bool) {
	for _, s := range all {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}
