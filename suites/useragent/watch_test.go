package useragent

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestSpellings finds a value wherever it starts inside a base64 text.
func TestSpellings(t *testing.T) {
	n := needle{"x", spellings("0123456789abcdef?>")}
	for before := range 4 {
		for after := range 4 {
			whole := strings.Repeat("ÿ", before) + "0123456789abcdef?>" + strings.Repeat("~", after)
			for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
				if !n.in("(" + encoding.EncodeToString([]byte(whole)) + ")") {
					t.Errorf("not found %d bytes in, %d before the end", before, after)
				}
			}
		}
	}
	if n.in("0123456789abcdee") || (needle{}).in("anything") {
		t.Error("found what is not there")
	}
}
