package scenario

import (
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"sync"
)

// random makes the values that a scenario invents. It is seeded by the run's
// seed and the scenario's name, so that a run can be repeated and the order in
// which scenarios happen to run changes nothing. Parts of a scenario that run
// together draw from it in the order in which they come to it.
type random struct {
	mu     sync.Mutex
	source *rand.Rand
}

func newRandom(seed uint64, scenario string) *random {
	h := fnv.New64a()
	h.Write([]byte(scenario))
	return &random{source: rand.New(rand.NewPCG(seed, h.Sum64()))}
}

const lowerLetters = "abcdefghijklmnopqrstuvwxyz"

// IntN is a number from 0 to n-1.
func (r *random) IntN(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.IntN(n)
}

// Float64 is a number from 0 up to 1.
func (r *random) Float64() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.Float64()
}

// word is n random lower-case letters.
func (r *random) word(n int) string { return r.from(lowerLetters, n) }

// from is n characters drawn from an alphabet.
func (r *random) from(alphabet string, n int) string {
	letters := []rune(alphabet)
	b := make([]rune, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// like is a value of the same shape as sample and not equal to it: letters and
// digits are drawn from those of the sample itself, so that the value stays
// inside the issuer's alphabet, and everything else stays in place.
func (r *random) like(sample string) string {
	var alphabet []rune
	for _, c := range sample {
		if isAlphanumeric(c) {
			alphabet = append(alphabet, c)
		}
	}
	if len(alphabet) < 2 {
		return r.word(8)
	}
	for range 100 {
		out := []rune(sample)
		for i, c := range out {
			if isAlphanumeric(c) {
				out[i] = alphabet[r.IntN(len(alphabet))]
			}
		}
		if string(out) != sample {
			return string(out)
		}
	}
	return r.word(len(sample))
}

// otherAt is sample with another of its own letters or digits at a place, and not the
// same letter in the other case. Where there is none, it is another code altogether.
func (r *random) otherAt(sample string, at int) string {
	var others []rune
	for _, c := range sample {
		if at >= 0 && isAlphanumeric(c) && !strings.EqualFold(string(c), sample[at:at+1]) {
			others = append(others, c)
		}
	}
	if len(others) == 0 {
		return r.word(8)
	}
	return sample[:at] + string(others[r.IntN(len(others))]) + sample[at+1:]
}

func isAlphanumeric(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
