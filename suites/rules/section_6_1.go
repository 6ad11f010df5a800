package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

var section61 = []Rule{
	{"VERIFY-06", one(transcript.Codes), []string{transcript.CodeEntry, transcript.WrongUserCodes}, typeableAlphabet},
}

// confusable are characters that a screen font may draw alike.
var confusable = []string{"0O", "1I", "1l", "Il"}

// alikeInBothCases are letters of which the small form is the large one, smaller.
const alikeInBothCases = "COSUVWXZ"

const longCode = 12

// VERIFY-06
func typeableAlphabet(j *judging) {
	list := j.sample()
	if len(list) == 0 {
		return
	}
	seen := map[rune]bool{}
	longest, first := 0, list[0].said
	var codes []string
	for _, x := range list {
		codes = append(codes, x.user)
	}
	if j.redacted(codes) {
		return
	}
	for _, code := range codes {
		n := 0
		for _, c := range code {
			if unicode.IsLetter(c) || unicode.IsDigit(c) {
				seen[c] = true
				n++
			}
		}
		longest = max(longest, n)
	}
	if len(seen) == 0 {
		j.inconclusive("no response has a user_code with letters or digits (see RESP-04)")
		return
	}
	alphabet := string(slices.Sorted(maps.Keys(seen)))
	sample := fmt.Sprintf("in %d codes", len(codes))
	for _, pair := range confusable {
		if both := []rune(pair); seen[both[0]] && seen[both[1]] {
			j.warn("confusable", "at most one of each pair 0 O, 1 I, 1 l and I l", fmt.Sprintf("%c and %c both occur, %s", both[0], both[1], sample), first)
		}
	}
	upper, lower := strings.IndexFunc(alphabet, unicode.IsUpper) >= 0, strings.IndexFunc(alphabet, unicode.IsLower) >= 0
	if upper && lower {
		j.note("mixed-case", "upper and lower case both occur "+sample, first)
		j.alikeInCase(seen, sample, first)
	}
	if strings.ContainsAny(strings.ToUpper(alphabet), "AEIOU") {
		j.note("vowels", "vowels occur, so codes can form words", first)
	}
	if longest > longCode {
		j.note("long", fmt.Sprintf("%d characters to type", longest), first)
	}
	j.pass("%d characters (%s), up to %d in a code, seen %s", len(seen), clip(alphabet), longest, sample)
}

// alikeInCase looks at letters that differ from one another by their size only,
// which matters where the server tells the cases apart.
func (j *judging) alikeInCase(seen map[rune]bool, sample string, first said) {
	var pairs []string
	for _, c := range alikeInBothCases {
		if small := unicode.ToLower(c); seen[c] && seen[small] {
			pairs = append(pairs, fmt.Sprintf("%c %c", c, small))
		}
	}
	if len(pairs) == 0 {
		return
	}
	observed := fmt.Sprintf("%s differ by their size only, %s", strings.Join(pairs, ", "), sample)
	switch j.caseOfLetters() {
	case caseSignificant:
		j.warn("confusable-case", "letters that end users can tell apart", observed+", and a code in the other case is refused (see VERIFY-04)", first)
	case caseIgnored:
		j.note("case-ignored", observed+"; the server ignores the case (see VERIFY-04)", first)
	default:
		j.note("perhaps-confusable-case", observed+"; whether the server ignores the case was not seen (see VERIFY-04)", first)
	}
}
