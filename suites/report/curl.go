package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// FindExchange returns the exchange that a finding refers to.
func FindExchange(r Result, ref rules.Ref) (wire.Exchange, bool) {
	for _, s := range r.Scenarios {
		if s.Transcript.Scenario != ref.Scenario {
			continue
		}
		for _, x := range s.Exchanges {
			if x.N == ref.N {
				return x, true
			}
		}
	}
	return wire.Exchange{}, false
}

// Outcome says in a few words how an exchange ended.
func Outcome(x wire.Exchange) string {
	if x.Failure != nil {
		return string(x.Failure.Kind)
	}
	if e := x.OAuthError(); e != "" {
		if r := []rune(e); len(r) > maxErrorShown {
			e = string(r[:maxErrorShown]) + "…"
		}
		return fmt.Sprintf("%d %q", x.Status, e)
	}
	return fmt.Sprintf("%d", x.Status)
}

// maxErrorShown bounds an error code in a line.
const maxErrorShown = 60

// maxCurlBody bounds the body in a command line.
const maxCurlBody = 400

// Curl returns a command line that repeats a request. Redacted values appear as
// their marks and must be filled in. Every word is quoted for a POSIX shell, so
// a value from the target cannot become a command.
func Curl(x wire.Exchange) string {
	words := []string{"curl", "-i"}
	switch x.Method {
	case "GET":
	case "HEAD":
		words = append(words, "-I")
	default:
		words = append(words, "-X", shellQuote(x.Method))
	}
	for _, name := range slices.Sorted(maps.Keys(x.Request.Header)) {
		for _, value := range x.Request.Header[name] {
			words = append(words, "-H", shellQuote(name+": "+value))
		}
	}
	if body := string(x.Request.Body); len(body) > maxCurlBody {
		words = append(words, "--data-binary", shellQuote(body[:maxCurlBody]+"..."))
	} else if body != "" {
		words = append(words, "--data-binary", shellQuote(body))
	}
	return strings.Join(append(words, shellQuote(x.URL)), " ")
}

// shellQuote quotes a word for a POSIX shell. Control characters, and others
// that could confuse a terminal, are shown as $'\ooo', which bash and zsh read.
func shellQuote(s string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./:=@%+,", c)
	}
	if s != "" && strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	if strings.IndexFunc(s, func(c rune) bool { return c < ' ' || c >= 0x7f }) < 0 {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for _, c := range []byte(s) {
		switch {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString("'")
	return b.String()
}
