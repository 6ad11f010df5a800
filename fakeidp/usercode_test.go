package fakeidp

import (
	"strings"
	"testing"
)

func mustUserCodes(t testing.TB, alphabet string, length int) userCodes {
	t.Helper()
	u, err := newUserCodes(alphabet, length)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

const base20 = "BCDFGHJKLMNPQRSTVWXZ"

func TestNormaliseUserCode(t *testing.T) {
	for _, test := range []struct {
		alphabet string
		typed    string
		want     string // empty: not a code
	}{
		{base20, "BCDF-GHJK", "BCDFGHJK"},
		{base20, "bcdfghjk", "BCDFGHJK"},
		{base20, "  bcdf ghjk\t", "BCDFGHJK"},
		{base20, "b.c.d.f—g_h/j|k", "BCDFGHJK"},
		{base20, "BCDF-GHJ", ""},
		{base20, "BCDF-GHJKL", ""},
		{base20, "BCDF-GHJA", ""},
		{base20, "BCDF-GH\x00JK", "BCDFGHJK"},
		{base20, "BCDF-GHJ\xff", ""},
		{base20, "ＢＣＤＦＧＨＪＫ", ""},
		{base20, "", ""},
		{base20, strings.Repeat("-", 300) + "BCDFGHJK", ""},
		// U+017F and U+212A fold to s and k in Unicode, but nobody types them.
		{base20, "BCDFGHJ\u212a", ""},
		{base20, "BCDFGHJ\u017f", ""},
		{"0123456789", "1234 5678", "12345678"},
		{"abcdef", "ABCD-EFAB", "abcdefab"},
		{"ABab", "aBaBaBaB", "aBaBaBaB"},
	} {
		u := mustUserCodes(t, test.alphabet, 8)
		if got, ok := u.normalise(test.typed); got != test.want || ok != (test.want != "") {
			t.Errorf("normalise(%q) = %q, %v, want %q", test.typed, got, ok, test.want)
		}
	}
}

func TestDisplayUserCode(t *testing.T) {
	for _, test := range []struct {
		code, want string
	}{
		{"BCDFGHJK", "BCDF-GHJK"},
		{"123456", "123-456"},
		{"123456789", "123-456-789"},
		{"BCDFGHJKLMNP", "BCDF-GHJK-LMNP"},
		{"BCDFG", "BCDF-G"},
	} {
		u := mustUserCodes(t, base20, len(test.code))
		if got := u.display(test.code); got != test.want {
			t.Errorf("display(%q) = %q, want %q", test.code, got, test.want)
		}
	}
}

func TestDrawnUserCodes(t *testing.T) {
	u := mustUserCodes(t, base20, 8)
	seen := map[rune]bool{}
	for range 500 {
		code := u.draw()
		if normal, ok := u.normalise(u.display(code)); !ok || normal != code {
			t.Fatalf("%q does not survive being shown and typed: %q", code, normal)
		}
		for _, c := range code {
			seen[c] = true
		}
	}
	// 4000 draws miss a given one of 20 characters once in 10^89 runs.
	if len(seen) != len(base20) {
		t.Errorf("only %d characters were drawn", len(seen))
	}
}

func TestBadUserCodeSettings(t *testing.T) {
	for _, test := range []struct {
		alphabet string
		length   int
	}{{"B", 8}, {"BB", 8}, {"B-C", 8}, {"BÄ", 8}, {base20, 3}, {base20, 33}} {
		if _, err := newUserCodes(test.alphabet, test.length); err == nil {
			t.Errorf("alphabet %q with length %d was accepted", test.alphabet, test.length)
		}
	}
}

func FuzzNormaliseUserCode(f *testing.F) {
	for _, seed := range []string{"BCDF-GHJK", "bcdf ghjk", "", "\x00", "ＢＣ", "a\xff", "BCDFGHJ\u212a"} {
		f.Add(seed)
	}
	u := mustUserCodes(f, base20, 8)
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := u.normalise(typed)
		if !ok {
			if code != "" {
				t.Fatalf("%q is refused, yet normalised to %q", typed, code)
			}
			return
		}
		if len(code) != 8 || strings.Trim(code, base20) != "" {
			t.Fatalf("%q became %q, which is no code", typed, code)
		}
		if again, ok := u.normalise(u.display(code)); !ok || again != code {
			t.Fatalf("%q is not stable: %q", code, again)
		}
	})
}
