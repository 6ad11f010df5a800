package fakeidp

import (
	"crypto/rand"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// userCodes draws, normalizes and shows user codes (RFC 8628 section 6.1).
//
// The normal form has no separators and, where the alphabet has letters of one
// case only, that case. It is what the store is keyed by. Dashes are only for
// the eye.
type userCodes struct {
	alphabet string
	length   int
	// plain codes are shown without dashes, exact ones typed as they are shown.
	plain, exact bool
	// fold maps what was typed to the case of the alphabet.
	fold func(rune) rune
}

func newUserCodes(alphabet string, length int) (userCodes, error) {
	if length < 4 || length > 32 {
		return userCodes{}, errors.New("a user code must have 4 to 32 characters")
	}
	if len(alphabet) < 2 {
		return userCodes{}, errors.New("the user code alphabet must have at least two characters")
	}
	var upper, lower bool
	for i, c := range alphabet {
		switch {
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= '0' && c <= '9':
		default:
			return userCodes{}, errors.New("the user code alphabet must consist of ASCII letters and digits")
		}
		if strings.ContainsRune(alphabet[:i], c) {
			return userCodes{}, errors.New("the user code alphabet contains a character twice")
		}
	}
	u := userCodes{alphabet: alphabet, length: length, fold: func(r rune) rune { return r }}
	switch {
	case upper && !lower:
		u.fold = upperASCII
	case lower && !upper:
		u.fold = lowerASCII
	}
	return u, nil
}

// upperASCII leaves other letters alone: Unicode folding would turn a dotless
// or long letter into one of ours.
func upperASCII(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

func lowerASCII(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r - 'A' + 'a'
	}
	return r
}

// draw returns a random code in its normal form, each character uniformly
// distributed.
func (u userCodes) draw() string {
	code := make([]byte, 0, u.length)
	// Bytes from here up would make the first characters likelier.
	fair := 256 - 256%len(u.alphabet)
	var random [64]byte
	for {
		rand.Read(random[:])
		for _, b := range random {
			if int(b) >= fair {
				continue
			}
			code = append(code, u.alphabet[int(b)%len(u.alphabet)])
			if len(code) == u.length {
				return string(code)
			}
		}
	}
}

// maxTyped is far more than an end user types; longer input is no code.
const maxTyped = 256

// normalise returns the normal form of what somebody typed, and whether it
// could be a code at all. Everything but letters and digits is dropped.
func (u userCodes) normalise(typed string) (code string, ok bool) {
	if len(typed) > maxTyped || !utf8.ValidString(typed) {
		return "", false
	}
	if u.exact {
		return typed, len(typed) == u.length && strings.Trim(typed, u.alphabet) == ""
	}
	code = strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return u.fold(r)
	}, typed)
	if len(code) != u.length {
		return "", false
	}
	for _, r := range code {
		if !strings.ContainsRune(u.alphabet, r) {
			return "", false
		}
	}
	return code, true
}

// display groups a normal form with dashes: by fours, or by threes where only
// that comes out even.
func (u userCodes) display(code string) string {
	if u.plain {
		return code
	}
	size := 4
	if u.length%4 != 0 && u.length%3 == 0 {
		size = 3
	}
	var b strings.Builder
	for i, c := range code {
		if i > 0 && i%size == 0 {
			b.WriteByte('-')
		}
		b.WriteRune(c)
	}
	return b.String()
}
