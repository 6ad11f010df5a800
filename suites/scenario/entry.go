package scenario

import (
	"strings"
	"unicode"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// codeEntry gives codes to the page in the ways in which people give them: by
// the complete URI, as printed, and as typed on a phone. Nobody decides. Each
// way has a code of its own, since entering one uses it up on some servers.
//
// Journeys: complete URI, and one with the name of each way to type a code.
// Labels: device/NAME for each.
func codeEntry(c *conversation) error {
	others := []string{transcript.Denial, transcript.Approval, transcript.EarlyApproval, transcript.CompleteURI}
	if c.Profile.Users.Second == nil {
		others = append(others, transcript.WrongUserCodes) // a code that is refused counts as a wrong one
	}
	if err := c.afterPages(others...); err != nil {
		return err
	}
	s, err := c.person()
	if err != nil {
		return err
	}
	defer s.Close()
	for _, way := range waysToEnter {
		if err := c.takeTurn(s); err != nil {
			return err
		}
		d, err := c.issue("device/"+way.name, c.Profile.Clients.Public)
		if err != nil {
			return err
		}
		task := d.task(way.name, transcript.ReachDecision)
		task.Account = account(c.secondUser())
		switch {
		case way.spell == nil && d.complete == "":
			continue
		case way.spell == nil:
			task.Start, task.TypeCode = d.complete, false
		default:
			typed := way.spell(d.userCode)
			if typed == d.userCode && way.name != asPrinted {
				continue // there is nothing to change in such a code
			}
			task.UserCode = typed
		}
		if j := c.visit(s, task); hangs(j) {
			break
		}
	}
	return nil
}

const asPrinted = "as printed"

// waysToEnter begins with the complete URI: the person is not logged in yet.
var waysToEnter = []struct {
	name  string
	spell func(string) string // nil: the complete URI
}{
	{"complete URI", nil},
	{asPrinted, func(code string) string { return code }},
	{"other case", otherCase},
	{"without separators", bareCode},
	{"dashes added", func(code string) string { return spread(code, "-") }},
	{"spaces around", func(code string) string { return "  " + code + " " }},
	{"spaces inside", func(code string) string { return spread(code, " ") }},
}

// otherCase swaps the case of every letter. A code of mixed case stays as it
// is: there the case may tell codes apart.
func otherCase(code string) string {
	lower, upper := strings.ToLower(code), strings.ToUpper(code)
	switch code {
	case upper:
		return lower
	case lower:
		return upper
	}
	return code
}

// bareCode is the code without everything that is neither letter nor digit.
func bareCode(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, code)
}

// spread puts a separator after every second character of a group, as people
// do when they read a code out.
func spread(code, separator string) string {
	var b strings.Builder
	run := 0
	for i, r := range code {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			run = 0
		} else if run++; run == 3 && i > 0 {
			b.WriteString(separator)
			run = 1
		}
		b.WriteRune(r)
	}
	return b.String()
}

// secondUser is another person than the one whose visits are measured
// elsewhere, if the profile has one.
func (c *conversation) secondUser() *profiles.User {
	if u := c.Profile.Users.Second; u != nil {
		return u
	}
	return c.Profile.Users.First
}

// hangs says that a journey ended in a page that does not answer: a page that
// hangs once hangs every time.
func hangs(j transcript.Journey) bool {
	t := j.Trouble
	return j.Outcome == transcript.Unfinished && t != nil && (t.Class == transcript.NavTimeout || t.Class == transcript.JourneyTimeout)
}
