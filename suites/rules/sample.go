package rules

import (
	"cmp"
	"math"
	"slices"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
)

// issued is one successful request of the sample.
type issued struct {
	said
	device, user string
}

// leastSample is how many codes are needed before a low figure means anything:
// a character that is drawn from two is the same in all of them once in 2^19.
const leastSample = 20

// sample is the codes of the scenario that asks for many, in the order in
// which they were issued, as far as that shows.
func (j *judging) sample() (list []issued) {
	for _, x := range j.all(transcript.Codes, labels.Code) {
		o, err := x.Object()
		if err != nil || !o.Has("device_code") {
			continue
		}
		one := issued{said: x}
		one.device, _ = o.String("device_code")
		one.user, _ = o.String("user_code")
		if one.device == "" || one.user == "" {
			continue // RESP-03 and RESP-04 are about that
		}
		list = append(list, one)
	}
	// Several requests are under way at once, so the middle of each counts.
	slices.SortStableFunc(list, func(a, b issued) int { return cmp.Compare(a.Sent+a.Received, b.Sent+b.Received) })
	if len(list) == 0 {
		j.missing(transcript.Codes, "a successful request")
	}
	return list
}

// redacted says that a sample was replaced by marks, which have a strength of
// their own, and records the obstacle.
func (j *judging) redacted(codes []string) bool {
	if slices.ContainsFunc(codes, j.hidden) {
		j.inconclusive("this recording has redacted codes: for a throwaway server, run --unredacted keeps them")
		return true
	}
	return false
}

// Figures describe the strength of a sample of codes.
type Figures struct {
	// Bits is an upper bound: the strength if every varying character were
	// random and independent.
	Bits     float64 `json:"bits"`
	Varying  int     `json:"varying"`  // positions that are not the same in all codes
	Alphabet int     `json:"alphabet"` // different characters at these positions
	// Estimate is how many different characters there probably are.
	Estimate float64 `json:"estimate"`
	Growing  bool    `json:"growing,omitempty"` // the codes grow in the order in which they were issued
	Sample   int     `json:"sample"`
}

// measure estimates the strength of codes. Whatever is in doubt counts for the
// server: the longest code, and the larger estimate of an alphabet.
func measure(codes []string) Figures {
	f := Figures{Sample: len(codes)}
	var rows [][]rune
	longest := 0
	for _, c := range codes {
		row := []rune(c)
		rows, longest = append(rows, row), max(longest, len(row))
	}
	// Position by position: those that never change add nothing.
	total := map[rune]int{}
	var positions []map[rune]int
	for i := range longest {
		seen := map[rune]int{}
		for _, row := range rows {
			if i < len(row) {
				seen[row[i]]++
			} else {
				seen[-1]++ // some codes end before
			}
		}
		if len(seen) < 2 {
			continue
		}
		positions = append(positions, seen)
		for c, n := range seen {
			if c >= 0 {
				total[c] += n
			}
		}
	}
	f.Varying, f.Alphabet = len(positions), len(total)
	f.Estimate = alphabetSize(total)
	for _, seen := range positions {
		size := f.Estimate
		// A position of its own, such as the variant of a UUID, shows in a
		// sample that is many times its alphabet.
		if own := float64(len(seen)); float64(f.Sample) >= 10*own && once(seen) == 0 && own < size {
			size = own
		}
		f.Bits += math.Log2(max(2, size))
	}
	return f
}

// once is how many characters were seen a single time.
func once(seen map[rune]int) (n int) {
	for _, count := range seen {
		if count == 1 {
			n++
		}
	}
	return n
}

// alphabetSize estimates how many characters there are from those that were
// seen: a small sample of a large alphabet does not show it all. The estimate
// (Chao 1984) adds what the characters seen only once or twice suggest, and
// stops at the class to which all of them belong.
func alphabetSize(seen map[rune]int) float64 {
	singles, doubles := 0.0, 0.0
	class := 0.0
	var digits, lower, upper, others bool
	for c, n := range seen {
		switch n {
		case 1:
			singles++
		case 2:
			doubles++
		}
		switch {
		case c >= '0' && c <= '9':
			digits = true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= 'A' && c <= 'Z':
			upper = true
		default:
			others = true
		}
	}
	estimate := float64(len(seen)) + singles*(singles-1)/(2*(doubles+1))
	for _, c := range []struct {
		in   bool
		size float64
	}{{digits, 10}, {lower, 26}, {upper, 26}} {
		if c.in {
			class += c.size
		}
	}
	if others {
		return estimate
	}
	return max(float64(len(seen)), min(estimate, class))
}

// growing says that later codes are larger (or smaller), so nearly always that
// chance is no explanation: codes from a counter or a clock. codes belong to the
// answers of list. Only answers of which one was there before the other was asked
// for compare: what was under way at once was issued in an order that nobody
// knows. Only codes of one length compare.
func growing(list []issued, codes []string) bool {
	n := len(codes)
	if n < leastSample {
		return false
	}
	up, down, sure := 0, 0, 0
	for i, a := range list {
		if len(codes[i]) != len(codes[0]) {
			return false
		}
		for k, b := range list {
			if a.Received > b.Sent {
				continue
			}
			sure++
			switch {
			case codes[i] < codes[k]:
				up++
			case codes[i] > codes[k]:
				down++
			}
		}
	}
	// A half of all pairs, of which nineteen in twenty go one way.
	return sure >= n*(n-1)/4 && 20*max(up, down) >= 19*sure
}
