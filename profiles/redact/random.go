package redact

// The values that [Random] takes for drawn by chance.
const (
	leastRandom  = 16 // characters
	leastChanges = 4
	leastDigits  = 20 // of a value that has nothing but digits
)

// Random reports whether a value looks random, as tokens, codes and session
// identifiers do, and not like a word: 16 or more of the characters of a bearer
// token (RFC 6750 section 2.1), in which a letter follows a digit, a digit a
// letter, or a capital a small letter at least four times; or 20 or more
// digits. One in thirty values of 64 random bits does not look random.
func Random(value string) bool {
	if len(value) < leastRandom {
		return false
	}
	changes, digits := 0, 0
	last := other
	for i := range len(value) {
		class := classOf(value[i])
		if class == foreign {
			return false
		}
		if class == digit {
			digits++
		}
		if last == lower && class == upper || last == digit && (class == lower || class == upper) || class == digit && (last == lower || last == upper) {
			changes++
		}
		last = class
	}
	return changes >= leastChanges || digits == len(value) && digits >= leastDigits
}

// class is what a character is to [Random].
type class int

const (
	foreign class = iota // no character of a token
	other
	digit
	lower
	upper
)

func classOf(c byte) class {
	switch {
	case c >= '0' && c <= '9':
		return digit
	case c >= 'a' && c <= 'z':
		return lower
	case c >= 'A' && c <= 'Z':
		return upper
	case c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/' || c == '=':
		return other
	}
	return foreign
}
