package rules

import (
	"cmp"
	"slices"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Rule judges one requirement.
type Rule struct {
	ID string
	// Scenarios run for this rule; the first one is its main subject.
	Scenarios []string
	// Also are read if they run for other rules.
	Also []string

	check func(*judging)
}

// Judge applies the rule.
func (r Rule) Judge(e Evidence) Judgement {
	e.translate()
	j := &judging{Evidence: e}
	r.check(j)
	j.aliases(r.ID)
	return j.consequence(r.ID, j.judgement())
}

// registry is every rule, in the order of the catalog. Each file of a section
// lists its own.
var registry = inOrder(
	section31,
	section31Clients,
	section31Hostile,
	section32,
	section33,
	section33Pages,
	section33People,
	section34,
	section34Clients,
	section35Errors,
	section35Expiry,
	section35Idtoken,
	section35Polling,
	section35Races,
	section35Slowdown,
	section35Token,
	section35Use,
	section4,
	section5Guessing,
	section5Pages,
	section5Strength,
	section5Tenants,
	section5Transport,
	section61,
	section61Typing,
	sectionExt,
	sectionLoad,
)

func inOrder(sections ...[]Rule) []Rule {
	place := map[string]int{}
	for i, r := range catalogue {
		place[r.ID] = i
	}
	rules := slices.Concat(sections...)
	slices.SortStableFunc(rules, func(a, b Rule) int { return cmp.Compare(place[a.ID], place[b.ID]) })
	return rules
}

// All returns all rules, in the order of the catalog.
func All() []Rule { return slices.Clone(registry) }

func one(scenario string) []string { return []string{scenario} }

// errorSources provoke errors; errorWitnesses meet some on their way. Left out are
// those whose requests an intermediary may refuse (foreign host names, huge
// requests) and those that speak of extensions.
var (
	errorSources   = []string{transcript.TokenErrors, transcript.DeviceErrors, transcript.HostileCharacters}
	errorWitnesses = []string{
		transcript.ClientErrors, transcript.ImpatientPolling, transcript.Approval, transcript.EarlyApproval,
		transcript.Denial, transcript.Expiry, transcript.SteadyPolling,
		transcript.UnprovenClient, transcript.ForeignClient, transcript.ClientIdentity, transcript.Scopes,
		transcript.TokenTransport, transcript.TokenUse, transcript.Refresh, transcript.Throttle,
		transcript.SlowedApproval, transcript.HastyNeighbour, transcript.WrongUserCodes, transcript.DecidedCodes,
		transcript.TwoPeople, transcript.Abandoned, transcript.CodeEntry, transcript.NoSession,
		transcript.RacingPolls, transcript.DecisionRaces, transcript.Fleet,
	}
)

// ForID returns the rule of a requirement.
func ForID(id string) (Rule, bool) {
	for _, r := range registry {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}
