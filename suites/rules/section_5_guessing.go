package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

var section5Guessing = []Rule{
	{"SEC-04", one(transcript.Guessing), []string{transcript.Codes, transcript.WrongUserCodes, transcript.DecidedCodes, transcript.Expiry}, guessesAreLimited},
	{"SEC-05", one(transcript.Guessing), nil, limitIsNotSidestepped},
	{"SEC-06", one(transcript.Guessing), nil, limitIsNoWeapon},
}

const (
	// shortCode is the strength, in bits, below which codes need a limit.
	shortCode = 40
	// A delay counts as growing when late guesses take so much longer than
	// early ones, and no less than that many milliseconds.
	growth, leastDelay = 3, 200
	// slowSample is how many guesses an average is made of.
	slowSample = 5
	// infeasible is the chance of a guesser, in bits, that RFC 8628 section 5.1
	// takes for small enough.
	infeasible = 32
)

// guessed is one way of guessing, and what held it back.
type guessed struct {
	wrong int
	// by says what held the guesser back; "" nothing.
	by string
	// blocked is a refusal before which the pages had looked at no code: it may be
	// about anything. looked says that they did look at one, in the end.
	blocked string
	looked  bool
	// trouble is the last obstacle to a guess.
	trouble string
	// asksLogin says that nothing can be guessed without logging in.
	asksLogin bool
	// slowed says that the answers grew slower in a way that is no limit;
	// undecided that nothing tells whether it is one.
	slowed    string
	undecided bool
}

// series sums up guesses of one kind.
func (j *judging) series(name string) guessed {
	var g guessed
	var took, right []float64
	refusedRight, looked := false, false
	for _, one := range j.Transcripts[transcript.Guessing].Guessed {
		before := looked
		looked = looked || lookedAt(one)
		if one.Series != name {
			continue
		}
		g.looked = looked
		switch {
		case one.Limited() && !before:
			g.blocked = cmp.Or(g.blocked, fmt.Sprintf("status %d, %q", one.Status, clip(one.Text)))
		case one.Limited():
			if g.by == "" {
				g.by = fmt.Sprintf("%d wrong codes (status %d, %q)", g.wrong, one.Status, clip(one.Text))
			}
		case one.Trouble != "":
			g.trouble = one.Trouble
		case one.Right:
			refusedRight = !one.Accepted()
			right = append(right, one.TookMS)
		case one.Outcome == transcript.AtLogin:
			g.asksLogin = true
		default:
			g.wrong++
			took = append(took, one.TookMS)
		}
	}
	switch {
	case g.by != "" || !refusedRight || g.wrong <= slowSample:
	case !g.looked:
		g.blocked = cmp.Or(g.blocked, "a correct code was rejected like the others")
	default:
		g.by = fmt.Sprintf("%d wrong codes (a correct one was rejected too)", g.wrong)
	}
	if n := len(took); g.by == "" && n >= 4*slowSample {
		early, late := median(took[:slowSample]), median(took[n-slowSample:])
		if late >= growth*early && late >= leastDelay {
			j.delayed(&g, early, late, right)
		}
	}
	return g
}

// lookedAt says that a page visibly checked a code: it accepted a right one, or
// called a wrong one wrong.
func lookedAt(g transcript.Guess) bool {
	if g.Right {
		return g.Accepted()
	}
	return g.Outcome == transcript.CodeRejected && g.Trouble == "" && !g.Limited()
}

// delayed judges answers that grew slower. They are a limit only if right codes
// were not slowed down with them, as a busy server would, and if the delay leaves a
// guesser no chance within the lifetime of a code (RFC 8628 section 5.1).
func (j *judging) delayed(g *guessed, early, late float64, right []float64) {
	grew := fmt.Sprintf("a delay that grew from %.0f to %.0f ms", early, late)
	bits, known := j.codeBits()
	lifetime, lives := j.guessedLifetime()
	if !known || !lives {
		g.slowed, g.undecided = grew+"; the strength or the lifetime of the codes is unknown", true
		return
	}
	chance := bits - math.Log2(lifetime.Seconds()*1000/late)
	latest := right[max(0, len(right)-slowSample):]
	switch {
	case chance < infeasible:
		g.slowed = fmt.Sprintf("%s leaves a chance of one in 2^%.0f within the %s that a code of %.1f bits lives; RFC 8628 section 5.1 names 2^%d", grew, max(chance, 0), lifetime, bits, infeasible)
	case len(latest) == 0:
		g.slowed, g.undecided = grew+"; no correct code was answered meanwhile that it could be compared with", true
	case late < growth*median(latest):
		g.slowed, g.undecided = fmt.Sprintf("%s; correct codes took %.0f ms by then, so the server may only have been busy", grew, median(latest)), true
	default:
		g.by = fmt.Sprintf("%s, where correct codes took %.0f ms", grew, median(latest))
	}
}

// guessedLifetime is how long the codes live that are guessed at.
func (j *judging) guessedLifetime() (time.Duration, bool) {
	for _, x := range j.Transcripts[transcript.Guessing].Exchanges {
		o, err := x.Object()
		if err != nil || !o.Has("device_code") {
			continue
		}
		if n, ok := o.Number("expires_in"); ok && n > 0 && n < 1e9 {
			return time.Duration(n * float64(time.Second)), true
		}
	}
	return 0, false
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// either is the first of the two series if it was held back, else the second.
func (j *judging) either(name string) (g guessed, first bool) {
	if g = j.series(name); g.by != "" {
		return g, true
	}
	plain := j.series(labels.InARow(name))
	plain.asksLogin = plain.asksLogin || g.asksLogin
	if plain.wrong == 0 && plain.by == "" {
		return g, false
	}
	return plain, false
}

// guesses says whether the guessing took place at all.
func (j *judging) guesses() bool {
	if len(j.Transcripts[transcript.Guessing].Guessed) == 0 {
		j.missing(transcript.Guessing, "a guess")
		return false
	}
	if why := j.Transcripts[transcript.Guessing].Aborted; why != "" {
		j.inconclusive("%s", why)
		return false
	}
	return true
}

// codeBits is the strength of the user codes, where a sample was taken.
func (j *judging) codeBits() (bits float64, known bool) {
	quiet := judging{Evidence: j.Evidence}
	list := quiet.sample()
	if len(list) == 0 {
		return 0, false
	}
	codes, ok := quiet.userCodes(list)
	if !ok {
		return 0, false
	}
	return measure(codes).Bits, true
}

// SEC-04
func guessesAreLimited(j *judging) {
	j.toldApart()
	if !j.guesses() {
		return
	}
	judged, limited := false, false
	for _, name := range []string{labels.LoggedIn, labels.Anonymous} {
		g, _ := j.either(name)
		limited = limited || g.by != ""
		switch {
		case g.by != "":
			judged = true
			j.pass("%s: limited by %s", name, g.by)
		case g.undecided:
			j.inconclusive("%s: %s", name, g.slowed)
			judged = true
		case g.asksLogin:
			j.note("login-first", name+": the page requires a login before it checks a code")
		case limited && g.wrong == 0:
			j.note("shut-out", name+": nobody could guess, since the limit held everybody at this address")
		case g.blocked != "" && !g.looked:
			j.inconclusive("%s: the pages refused codes before they had looked at any (%s)", name, g.blocked)
			judged = true
		case g.wrong < max(1, j.Profile.Limits.Guesses):
			why := ""
			if g.trouble != "" {
				why = ": " + g.trouble
			}
			j.inconclusive("%s: only %d wrong codes were answered%s", name, g.wrong, why)
			judged = true
		default:
			judged = true
			j.unlimited(name, g)
		}
	}
	if !judged {
		j.inconclusive("no guess got a conclusive answer")
	}
}

// unlimited reports a series that nothing held back: no black box can prove
// that there is no limit at all.
func (j *judging) unlimited(name string, g guessed) {
	const expected = "a limit: a rejection, a growing delay, a lock, a CAPTCHA"
	strict := j.Profile.Limits.GuessesStrict
	bits, known := j.codeBits()
	slowed := ""
	if g.slowed != "" {
		slowed = "; " + g.slowed
	}
	if strict > 0 && g.wrong >= strict && known && bits < shortCode {
		j.fail("policy-no-limit", expected, fmt.Sprintf("%s: no limit in %d wrong codes, of at most %.1f bits%s", name, g.wrong, bits, slowed))
		return
	}
	j.warn("no-limit", expected, fmt.Sprintf("%s: no limit in %d wrong codes%s", name, g.wrong, slowed))
}

// SEC-05
func limitIsNotSidestepped(j *judging) {
	if !j.guesses() {
		return
	}
	limited := false
	for _, name := range []string{labels.LoggedIn, labels.Anonymous, labels.NewCookies} {
		g, inBetween := j.either(name)
		switch {
		case g.by == "" && name == labels.NewCookies && g.wrong > 0 && !g.undecided:
			j.warn("reset-by-new-cookies", "one limit for all guesses without cookies", fmt.Sprintf("an anonymous guesser who drops the cookies is not limited in %d wrong codes", g.wrong))
		case g.by == "":
		case !inBetween && j.series(labels.OnceMore(name)).by != "":
			limited = true
			j.pass("%s: correct codes in between do not reset the count: all wrong ones count, and %s", name, j.series(labels.OnceMore(name)).by)
		case !inBetween && j.series(labels.OnceMore(name)).wrong <= j.wrongBefore(labels.OnceMore(name)):
			limited = true
			j.note("cannot-tell", fmt.Sprintf("%s: limited by %s; unknown whether correct codes in between reset the count", name, g.by))
		case !inBetween && j.series(name).wrong > 0:
			limited = true
			j.warn("reset-by-success", "correct codes in between do not reset the count",
				fmt.Sprintf("%s: limited by %s, but not if every sixth code is correct", name, g.by))
		default:
			limited = true
			j.pass("%s: correct codes in between do not reset the count", name)
		}
	}
	if !limited {
		j.notApplicable("no limit was seen, so there is none to bypass (see SEC-04)")
		return
	}
	for _, g := range j.Transcripts[transcript.Guessing].Guessed {
		trick, ok := strings.CutPrefix(g.Series, labels.Trick+"/")
		switch {
		case !ok || g.Trouble != "":
		case g.Limited():
			j.pass("%s does not help", trick)
		case trick == labels.Spelling && !slices.ContainsFunc(j.Transcripts[transcript.Guessing].Guesses(labels.SpellingAccepted), transcript.Guess.Accepted):
			j.note("spelling-refused", "the page does not accept codes in another spelling, so such guesses are useless")
		case !j.stillHeld(trick):
			j.note("cannot-tell", trick+": by then, the guesser was not visibly limited without the trick either")
		case g.Outcome == transcript.CodeRejected || g.Outcome == transcript.ErrorPage:
			j.warn("reset-by-"+strings.ReplaceAll(strings.ToLower(trick), " ", "-"), "the guesser stays limited", fmt.Sprintf("with %s, the page checked a code again (%q)", trick, clip(g.Text)))
		}
	}
	j.deviceCodeGuesses()
}

// wrongBefore counts the wrong codes that were looked at before a series, in any:
// an address may have one count for all of them.
func (j *judging) wrongBefore(series string) (n int) {
	for _, one := range j.Transcripts[transcript.Guessing].Guessed {
		switch {
		case one.Series == series:
			return n
		case !one.Right && lookedAt(one):
			n++
		}
	}
	return n
}

// stillHeld says that a guess right before a trick, without the trick, was
// visibly refused: the limit shows, and it had not simply run out.
func (j *judging) stillHeld(trick string) bool {
	return slices.ContainsFunc(j.Transcripts[transcript.Guessing].Guesses(labels.Join(labels.Control, trick)), transcript.Guess.Limited)
}

// deviceCodeGuesses: RFC 8628 section 5.2 relies on the entropy of the device
// code, so throttling them is worth knowing and no more.
func (j *judging) deviceCodeGuesses() {
	sent := j.Transcripts[transcript.Guessing].Labelled(labels.DeviceCodes)
	for _, x := range sent {
		if x.Overloaded() || x.OAuthError() == "slow_down" {
			j.note("device-codes-throttled", fmt.Sprintf("the server throttles guessed device codes: %s", describe(x)))
			return
		}
	}
	if len(sent) > 0 {
		j.note("device-codes-not-throttled", fmt.Sprintf("the server answered all of %d guessed device codes in a row", len(sent)))
	}
}

// SEC-06
func limitIsNoWeapon(j *judging) {
	if !j.guesses() {
		return
	}
	untouched, ok := j.first(transcript.Guessing, labels.UntouchedPoll)
	if !ok {
		return
	}
	if !recognised(untouched.Exchange) && !j.undefined(untouched) && j.wasPending(untouched) {
		j.warn("ends-other-grants", quoted("authorization_pending"), "for a code that was not typed, after many wrong ones: "+describe(untouched.Exchange), untouched)
	}
	for _, series := range []string{labels.LoggedIn, labels.Anonymous} {
		list := j.Transcripts[transcript.Guessing].Guesses(series)
		i := slices.IndexFunc(list, func(g transcript.Guess) bool { return g.Right })
		switch {
		case i < 0 || list[i].Trouble != "" || slices.ContainsFunc(list[:i], func(g transcript.Guess) bool { return g.Limited() }):
		case list[i].Accepted():
			j.pass("%s: the page accepts a correct code after %d wrong ones", series, i)
		case i <= slowSample:
			j.warn("locked-at-once", "the page accepts a correct code after a typing error", fmt.Sprintf("%s: rejected after %d wrong ones (%q)", series, i, clip(list[i].Text)))
		}
	}
	others := slices.Concat(j.Transcripts[transcript.Guessing].Guesses(labels.SomeoneElse), j.Transcripts[transcript.Guessing].Guesses(labels.SomeoneElseSameAddress))
	if g, _ := j.either(labels.LoggedIn); g.by == "" {
		j.notApplicable("no limit was seen that could be used against others (see SEC-04)")
		return
	}
	for _, g := range others {
		switch {
		case g.Trouble != "":
			j.inconclusive("the other user could not finish: %s", g.Trouble)
		case g.Accepted():
			j.pass("while one user is limited, the page accepts another user's code")
		case g.Series != labels.SomeoneElse:
			j.note("same-address", "another user at the guesser's own address is rejected: "+clip(g.Text))
		default:
			j.warn("locks-others", "another user, at another address, is not limited", fmt.Sprintf("%s (status %d, %q)", g.Outcome, g.Status, clip(g.Text)))
		}
	}
	if len(others) == 0 {
		j.note("no-other-user", "the profile has no second user to try this")
	}
}
