package rules

import "github.com/devicegrant/devicegrant/suites/transcript"

// Rule judges one requirement.
type Rule struct {
	ID string
	// Scenarios are run for this rule; the first is the one it is about.
	Scenarios []string
	// Also are read when they run for the sake of other rules.
	Also []string

	check func(*judge)
}

// Judge applies the rule.
func (r Rule) Judge(e Evidence) Judgement {
	e.translate()
	j := &judge{Evidence: e}
	r.check(j)
	j.aliases(r.ID)
	return j.judgement()
}

// All is every rule, in the order of the catalogue.
var All = []Rule{
	{"DA-01", one(transcript.DeviceAuthorization), nil, validRequestIsServed},
	{"DA-02", one(transcript.DeviceErrors), nil, onlyPostWithBody},
	{"DA-03", one(transcript.DeviceErrors), nil, otherMediaTypes},
	{"DA-04", one(transcript.DeviceErrors), nil, missingClientID},
	{"DA-05", one(transcript.DeviceErrors), nil, repeatedDeviceParameter},
	{"DA-06", one(transcript.DeviceErrors), nil, unknownParameterIgnored},
	{"DA-07", one(transcript.DeviceErrors), nil, scopeAbsentOrEmpty},
	{"DA-08", one(transcript.Scopes), nil, wrongScope},
	{"DA-09", one(transcript.DeviceErrors), nil, unknownClient},
	{"DA-10", one(transcript.ClientIdentity), nil, grantNotAllowed},
	{"DA-11", one(transcript.ClientIdentity), nil, confidentialMustAuthenticate},
	{"DA-12", one(transcript.ClientErrors), nil, wrongSecretAtDeviceEndpoint},
	{"DA-13", one(transcript.ClientIdentity), nil, basicAccepted},
	{"DA-14", one(transcript.ClientIdentity), nil, ambiguousClient},
	{"DA-15", one(transcript.HostileSizes), nil, hostileInput},
	{"RESP-01", one(transcript.DeviceAuthorization), nil, responseStatusAndType},
	{"RESP-02", one(transcript.DeviceAuthorization), nil, responseIsFlatObject},
	{"RESP-03", one(transcript.DeviceAuthorization), nil, deviceCodeMember},
	{"RESP-04", one(transcript.DeviceAuthorization), nil, userCodeMember},
	{"RESP-05", one(transcript.DeviceAuthorization), nil, verificationURI},
	{"RESP-06", one(transcript.DeviceAuthorization), nil, verificationURITypeable},
	{"RESP-07", one(transcript.DeviceAuthorization), nil, expiresIn},
	{"RESP-08", one(transcript.DeviceAuthorization), nil, pollingInterval},
	{"RESP-09", one(transcript.DeviceAuthorization), nil, verificationURIComplete},
	{"RESP-10", one(transcript.DeviceAuthorization), nil, responseNotCacheable},
	{"RESP-11", []string{transcript.Codes, transcript.Approval}, nil, codesAreUnique},
	{"META-01", one(transcript.Metadata), nil, endpointAdvertised},
	{"META-02", one(transcript.Metadata), nil, grantTypeAdvertised},
	{"META-03", one(transcript.Metadata), nil, advertisedURLIsSound},
	{"META-04", one(transcript.Metadata), nil, issuerIsEqual},
	{"META-05", one(transcript.Metadata), []string{transcript.DeviceAuthorization}, metadataForm},
	{"VERIFY-01", one(transcript.Approval), nil, personCanApprove},
	{"VERIFY-02", []string{transcript.NoSession, transcript.Approval}, nil, approvalNeedsLogin},
	{"VERIFY-03", one(transcript.WrongUserCodes), nil, wrongUserCodeRefused},
	{"VERIFY-04", one(transcript.CodeEntry), []string{transcript.Codes}, otherCaseAccepted},
	{"VERIFY-05", one(transcript.CodeEntry), nil, strayCharactersAccepted},
	{"VERIFY-07", []string{transcript.Approval, transcript.EarlyApproval}, nil, personIsTold},
	{"VERIFY-08", []string{transcript.Denial, transcript.Approval}, []string{transcript.EarlyApproval, transcript.CompleteURI}, approveAndDenyOffered},
	{"VERIFY-09", []string{transcript.CompleteURI, transcript.CodeEntry}, nil, completeURIShowsCode},
	{"VERIFY-10", one(transcript.CompleteURI), nil, completeURINeverDecides},
	{"VERIFY-11", []string{transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI}, nil, secretsStayOffTheBrowser},
	{"VERIFY-12", one(transcript.DecidedCodes), nil, decidedCodeIsDead},
	{"VERIFY-13", one(transcript.TwoPeople), nil, twoPeopleOneCode},
	{"VERIFY-14", one(transcript.Expiry), one(transcript.Approval), expiredUserCode},
	{"VERIFY-15", one(transcript.Abandoned), nil, abandoningDecidesNothing},
	{"TOKEN-01", one(transcript.TokenErrors), nil, exactGrantType},
	{"TOKEN-02", one(transcript.TokenErrors), nil, missingDeviceCode},
	{"TOKEN-03", one(transcript.TokenErrors), nil, unknownDeviceCode},
	{"TOKEN-04", one(transcript.ForeignClient), nil, boundToClient},
	{"TOKEN-05", one(transcript.UnprovenClient), nil, clientIdentified},
	{"TOKEN-06", one(transcript.TokenTransport), nil, tokenParametersInBody},
	{"TOKEN-07", one(transcript.TokenTransport), nil, tokenMediaTypes},
	{"TOKEN-08", one(transcript.TokenErrors), nil, repeatedTokenParameter},
	{"TOKEN-09", []string{transcript.Approval, transcript.EarlyApproval}, nil, tokenResponseForm},
	{"TOKEN-10", []string{transcript.Approval, transcript.EarlyApproval}, nil, tokenResponseNotCacheable},
	{"TOKEN-11", one(transcript.TokenUse), nil, scopeMember},
	{"TOKEN-12", one(transcript.TokenUse), nil, noWidening},
	{"TOKEN-13", one(transcript.Refresh), nil, refreshBound},
	{"TOKEN-14", one(transcript.Refresh), nil, refreshReplay},
	{"TOKEN-15", one(transcript.TokenUse), nil, idToken},
	{"TOKEN-16", one(transcript.TokenUse), nil, tokenIsReal},
	{"TOKEN-17", one(transcript.TokenUse), nil, revocation},
	{"ERR-01", errorSources, errorWitnesses, errorStatus},
	{"ERR-02", errorSources, errorWitnesses, errorBody},
	{"ERR-03", errorSources, errorWitnesses, errorCharacters},
	{"ERR-04", one(transcript.ClientErrors), errorSources, failedBasic},
	{"ERR-05", errorSources, errorWitnesses, registeredErrorCodes},
	{"ERR-06", errorSources, errorWitnesses, quietErrors},
	{"POLL-01", one(transcript.SteadyPolling), nil, pendingBeforeDecision},
	{"POLL-02", one(transcript.SteadyPolling), nil, compliantPollingUnpunished},
	{"POLL-03", []string{transcript.ImpatientPolling, transcript.Throttle}, nil, tooFastPolling},
	{"POLL-04", one(transcript.SlowedApproval), one(transcript.Approval), slowDownNotTerminal},
	{"POLL-05", one(transcript.ImpatientPolling), nil, fiveSecondsAreEnough},
	{"POLL-06", one(transcript.Throttle), nil, slowDownRemembered},
	{"POLL-07", one(transcript.Throttle), nil, slowDownsEnd},
	{"POLL-08", one(transcript.Denial), []string{transcript.Approval, transcript.EarlyApproval}, denialReported},
	{"POLL-09", one(transcript.Denial), []string{transcript.Approval, transcript.EarlyApproval}, denialFinal},
	{"POLL-10", one(transcript.Expiry), nil, expiryReported},
	{"POLL-11", one(transcript.Expiry), one(transcript.Approval), noEarlyDeath},
	{"POLL-12", one(transcript.Expiry), nil, approvedCodeExpires},
	{"POLL-13", []string{transcript.Approval, transcript.EarlyApproval}, nil, approvalSeenPromptly},
	{"POLL-14", one(transcript.Approval), nil, singleUse},
	{"POLL-15", one(transcript.RacingPolls), nil, singleUseUnderRace},
	{"POLL-16", one(transcript.DecisionRaces), []string{transcript.Denial, transcript.RacingPolls}, pollRacingDecision},
	{"POLL-17", one(transcript.TokenUse), nil, codesNotInterchangeable},
	{"POLL-18", one(transcript.HastyNeighbour), nil, throttledPerCode},
	{"POLL-19", one(transcript.LostAnswers), []string{transcript.SteadyPolling, transcript.ImpatientPolling}, overloadAndLostAnswers},
	{"SEC-01", one(transcript.Transport), nil, tlsEverywhere},
	{"SEC-02", one(transcript.Codes), nil, deviceCodeStrength},
	{"SEC-03", one(transcript.Codes), one(transcript.Guessing), userCodeStrength},
	{"SEC-04", one(transcript.Guessing), []string{transcript.Codes}, guessesAreLimited},
	{"SEC-05", one(transcript.Guessing), nil, limitIsNotSidestepped},
	{"SEC-06", one(transcript.Guessing), nil, limitIsNoWeapon},
	{"SEC-07", one(transcript.CrossSite), nil, decisionsAreNotForged},
	{"SEC-08", one(transcript.Framing), nil, pagesAreNotFramed},
	{"SEC-09", one(transcript.RepeatedConsent), nil, noSilentRepeat},
	{"SEC-10", one(transcript.Injection), nil, nothingIsInjected},
	{"SEC-11", one(transcript.Redirection), nil, noOpenRedirect},
	{"SEC-12", []string{transcript.CrossOriginReads, transcript.Approval}, []string{transcript.CompleteURI}, pagesKeepToThemselves},
	{"SEC-13", one(transcript.Tenants), nil, tenantsAreApart},
	{"SEC-14", one(transcript.HostHeaders), nil, hostHeaderNotTrusted},
	{"VERIFY-06", one(transcript.Codes), nil, typeableAlphabet},
	{"EXT-01", one(transcript.Extensions), nil, pkceOnDeviceRequest},
	{"EXT-02", one(transcript.Extensions), one(transcript.Metadata), dpopBound},
	{"EXT-03", one(transcript.Extensions), one(transcript.Metadata), badProofsRefused},
	{"EXT-04", one(transcript.Extensions), one(transcript.Metadata), nonceChallengeHarmless},
	{"EXT-05", one(transcript.Extensions), nil, resourceIndicators},
	{"EXT-06", one(transcript.Extensions), nil, richRequests},
	{"LOAD-01", one(transcript.Fleet), nil, noCrossTalk},
	{"LOAD-02", one(transcript.Fleet), nil, stateMachineUnderLoad},
}

func one(scenario string) []string { return []string{scenario} }

// errorSources provoke errors; errorWitnesses meet some on their way.
var (
	errorSources   = []string{transcript.TokenErrors, transcript.DeviceErrors, transcript.HostileCharacters}
	errorWitnesses = []string{
		transcript.ClientErrors, transcript.ImpatientPolling, transcript.Approval, transcript.EarlyApproval,
		transcript.Denial, transcript.Expiry, transcript.SteadyPolling,
	}
)

// ForID returns the rule of a requirement.
func ForID(id string) (Rule, bool) {
	for _, r := range All {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}
