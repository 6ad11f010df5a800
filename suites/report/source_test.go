package report

import (
	"testing"
)

func TestSourceURL(t *testing.T) {
	for source, want := range map[string]string{
		"RFC 8628 section 3.5":                   "https://www.rfc-editor.org/rfc/rfc8628#section-3.5",
		"RFC 9700 sections 2.6 and 4.2":          "https://www.rfc-editor.org/rfc/rfc9700#section-2.6",
		"RFC 8628 section 4; RFC 8414 section 2": "https://www.rfc-editor.org/rfc/rfc8628#section-4",
		"RFC 6749 appendix A":                    "https://www.rfc-editor.org/rfc/rfc6749#appendix-A",
		"RFC 6749":                               "https://www.rfc-editor.org/rfc/rfc6749",
		"OpenID Connect Core section 3":          "",
		`RFC "><script> section 1`:               "",
	} {
		if got := SourceURL(source); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}
