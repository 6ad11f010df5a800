package mutation

import (
	"fmt"
	"strconv"
	"strings"
)

// Sample is every Nth item of a list, starting with the First; the zero value
// is all.
type Sample struct{ First, N int }

// Has reports whether the ith item of a list is in the sample.
func (s Sample) Has(i int) bool { return s.N == 0 || i%s.N == s.First%s.N }

// Take drops the slow mutants that are not in the sample.
func (s Sample) Take(list []Mutant) (taken []Mutant) {
	dear := 0
	for _, m := range list {
		if m.Run.dear() {
			dear++
			if !s.Has(dear - 1) {
				continue
			}
		}
		taken = append(taken, m)
	}
	return taken
}

// ParseSample parses I/N: every Nth item, starting with the Ith. "" means all.
func ParseSample(text string) (s Sample, err error) {
	if text == "" {
		return s, nil
	}
	first, n, _ := strings.Cut(text, "/")
	s.First, err = strconv.Atoi(first)
	if err == nil {
		s.N, err = strconv.Atoi(n)
	}
	if err != nil || s.First < 0 || s.N < 1 {
		return Sample{}, fmt.Errorf("the sample %q: give two numbers, such as 2/5", text)
	}
	return s, nil
}
