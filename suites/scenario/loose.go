package scenario

import (
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

// leastCore is how long what is left of a code must be to be nobody else's: a
// pattern that is taken as one must match our own code only.
const leastCore = 12

// looseCodes are values that a server takes for a live device code if it compares
// by a pattern of a database or a shell, by a regular expression, or as C does.
func (c *conversation) looseCodes(live string) []value {
	runes := []rune(live)
	if len(runes) < leastCore+4 {
		return nil
	}
	core := string(runes[:len(runes)-4])
	return []value{
		{labels.LikePattern, core + "%"},
		{labels.GlobPattern, core + "*"},
		{labels.RegularExpression, core + ".*"},
		{labels.CutAtNUL, live + "\x00" + c.random.word(4)},
	}
}

// value is one value of a parameter, and its label.
type value struct{ name, value string }

// otherCase is a client's id in the other case, "" where that is the same or
// another client of the profile.
func (c *conversation) otherCase(client *profiles.Client) string {
	swapped := caseSwapped(client.ID)
	if swapped == client.ID {
		return ""
	}
	all := c.Profile.Clients
	for _, other := range []*profiles.Client{all.Public, all.Second, all.NotAllowed, all.Confidential} {
		if other != nil && other.ID == swapped {
			return ""
		}
	}
	return swapped
}

// wrongSecret is one that a server takes for the right one if it compares only a part
// (see [profiles.Secret.NearMisses]): without its last two characters, or with two
// other ones. Where the right one has no near misses, it is random.
func (c *conversation) wrongSecret(right profiles.Secret, cut bool) profiles.Secret {
	short, misspelt := right.NearMisses()
	switch {
	case misspelt == "":
		return profiles.NewSecret(c.random.word(24))
	case cut:
		return profiles.NewSecret(short)
	}
	return profiles.NewSecret(misspelt)
}
