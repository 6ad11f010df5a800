package scenario

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// codeEntry gives codes to the page in the ways in which people give them: by
// the complete URI, as printed, and as typed on a phone. Nobody decides. Each
// way has a code of its own, since entering one uses it up on some servers.
//
// Journeys: complete URI, and one with the name of each way to type a code. A way
// that was refused is tried once more, as NAME/again: one stray answer proves
// nothing. When that is refused, too, the server means it, and no other way is
// tried twice: each refusal may count as a wrong guess. Only a page that breaks down
// is still asked again, until it did so twice.
// A hook, which can only decide, approves the codes in each spelling, and the
// devices tell whether it did.
// Labels: device/NAME for each; poll/NAME/1 ... where a hook approved.
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
	doubted, broke := false, false
	var approved []func() error
	enter := func(way wayToEnter, name string) (transcript.Journey, error) {
		d, j, err := c.enter(s, way, name)
		if c.hooked() && err == nil && j.Outcome == transcript.Approved {
			approved = append(approved, func() error {
				_, err := d.collect(labels.Join(labels.Poll, name), patience)
				return err
			})
		}
		return j, err
	}
	for _, way := range waysToEnter {
		j, err := enter(way, way.name)
		if err == nil && rejected(j) && (!doubted || brokeDown(j) && !broke) {
			j, err = enter(way, way.name+again)
			doubted, broke = doubted || rejected(j), broke || brokeDown(j)
		}
		if err != nil {
			return err
		}
		if hangs(j) {
			break
		}
	}
	c.leavePages()
	return together(approved...)
}

// again is the end of the name of what is tried once more.
const again = "/" + labels.Again

// rejected says that a page did not want the code.
func rejected(j transcript.Journey) bool {
	return j.Outcome == transcript.CodeRejected || j.Outcome == transcript.ErrorPage
}

// brokeDown says that a page answered with a server error. 503 is an overload.
func brokeDown(j transcript.Journey) bool {
	if len(j.Steps) == 0 || !rejected(j) {
		return false
	}
	status := j.Steps[len(j.Steps)-1].Status
	return status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable
}

// enter gives a fresh code to the page in one way. A code that offers nothing to
// change is not entered.
func (c *conversation) enter(s useragent.Agent, way wayToEnter, name string) (d *device, j transcript.Journey, err error) {
	if way.spell == nil && c.hooked() {
		return nil, j, nil // it follows no link
	}
	if err := c.takeTurn(s); err != nil {
		return nil, j, err
	}
	d, err = c.issue(labels.Join(labels.Device, name), c.Profile.Clients.Public)
	if err != nil {
		return nil, j, err
	}
	task := d.task(name, transcript.ReachDecision)
	task.Account = account(c.secondUser())
	switch {
	case way.spell == nil && d.complete == "":
		return d, j, nil
	case way.spell == nil:
		task.Start, task.TypeCode = d.complete, false
	default:
		typed := way.spell(d.userCode)
		if typed == d.userCode && way.name != asPrinted {
			return d, j, nil
		}
		task.UserCode = typed
		if c.hooked() {
			task.Goal = transcript.Approve
		}
	}
	return d, c.visit(s, task), nil
}

const asPrinted = labels.AsPrinted

// wayToEnter is one way to give a code to the page.
type wayToEnter struct {
	name  string
	spell func(string) string // nil: the complete URI
}

// waysToEnter begins with the complete URI: the end user is not logged in yet.
var waysToEnter = []wayToEnter{
	{labels.CompleteURI, nil},
	{asPrinted, func(code string) string { return code }},
	{labels.OtherCase, caseSwapped},
	{labels.WithoutSeparators, bareCode},
	{labels.DashesAdded, func(code string) string { return spread(code, "-") }},
	{labels.SpacesAround, func(code string) string { return "  " + code + " " }},
	{labels.SpacesInside, func(code string) string { return spread(code, " ") }},
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
