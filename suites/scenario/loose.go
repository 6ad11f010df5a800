package scenario

import (
	"strings"

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

// cutSecret is a secret without its last two characters, and misspeltSecret one with
// two other ones: a server that takes one of them compares only a part. A short
// secret has a random one in its place.
func (c *conversation) cutSecret(s profiles.Secret) profiles.Secret {
	return c.nearSecret(s, func(core string) string { return core })
}

func (c *conversation) misspeltSecret(s profiles.Secret) profiles.Secret {
	return c.nearSecret(s, func(core string) string { return core + c.random.word(2) })
}

func (c *conversation) nearSecret(s profiles.Secret, near func(core string) string) profiles.Secret {
	right := []rune(s.Reveal())
	for {
		wrong := c.random.word(24)
		if len(right) > 8 {
			wrong = near(string(right[:len(right)-2]))
		}
		if !strings.HasPrefix(wrong, string(right)) {
			return profiles.NewSecret(wrong)
		}
	}
}
