package profiles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a profile.
type Problem struct {
	// File is the profile's source, or "--set" for an override.
	File string
	// Line and Column count from 1; 0 means unknown.
	Line, Column int
	// Path is the key: clients.public.id, or scopes.0 in a list.
	Path    string
	Message string
	// Hint says how to fix it, if the message does not.
	Hint string
}

// String returns one line: `file.yaml:12:3: clients.pubic: unknown key; did you
// mean "public"?`.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
		if p.Column > 0 {
			fmt.Fprintf(&b, ":%d", p.Column)
		}
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Error lists all problems of a profile, sorted by position.
type Error struct {
	Problems []Problem
}

// Error returns one line per problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// newError sorts the problems and wraps them; nil for none.
func newError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
	return &Error{Problems: slices.Compact(problems)}
}

// unknownKey is compared with other problems: a missing key may be the mistyped
// one.
const unknownKey = "unknown key"

// didYouMean returns a hint with the known word nearest to a mistyped one, or
// with all known words if none is near.
func didYouMean(word string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	nearest, ok := Nearest(word, known)
	if !ok {
		return "expected one of " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("did you mean %q?", nearest)
}

// Nearest returns the known word that is nearest to a mistyped one, if any is
// near.
func Nearest(word string, known []string) (string, bool) {
	nearest, distance := "", 1+max(2, min(len(word), 12)/3)
	for _, k := range known {
		if max(len(word)-len(k), len(k)-len(word)) >= distance {
			continue
		}
		if d := editDistance(word, k); d < distance {
			nearest, distance = k, d
		}
	}
	return nearest, nearest != ""
}

// editDistance counts the bytes that are inserted, deleted, replaced or swapped
// with their neighbour to turn a into b.
func editDistance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
