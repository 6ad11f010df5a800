package rules

import (
	"fmt"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// describe says in a few words what an answer was.
func describe(x wire.Exchange) string {
	if x.Failure != nil {
		return fmt.Sprintf("no answer (%s)", x.Failure)
	}
	if x.Response == nil {
		return "no answer"
	}
	o, err := x.Object()
	switch {
	case err != nil && len(x.Response.Body) == 0:
		return fmt.Sprintf("status %d without a body", x.Status)
	case err != nil:
		return fmt.Sprintf("status %d with a body that is not a JSON object (%s)", x.Status, mediaTypeOr(x, "no media type"))
	case o.Has("error"):
		return fmt.Sprintf("status %d, error %s", x.Status, clip(valueOf(o, "error")))
	case o.Has("access_token"):
		return fmt.Sprintf("status %d with an access token", x.Status)
	case o.Has("device_code"):
		return fmt.Sprintf("status %d with codes", x.Status)
	}
	return fmt.Sprintf("status %d with a JSON object", x.Status)
}

// explained is describe with the server's own words, for somebody who must find out
// why an ordinary request fails.
func explained(x wire.Exchange) string {
	if said := x.Says(); said != "" {
		return describe(x) + "; the server says: " + said
	}
	return describe(x)
}

// valueOf is a member as JSON. Equal strings have equal values, however their
// letters are escaped.
func valueOf(o wire.Object, member string) string {
	if s, ok := o.String(member); ok {
		return strconv.Quote(s)
	}
	return string(o.Raw(member))
}

// bodyStart is how an answer's body begins, for one that nothing else describes.
func bodyStart(x wire.Exchange) string {
	if x.Response == nil || len(x.Response.Body) == 0 {
		return ""
	}
	return ": " + clip(strings.Join(strings.Fields(strings.ToValidUTF8(string(x.Response.Body), "�")), " "))
}

// clip bounds a value from the target for a message.
func clip(s string) string { return wire.Shorten(s, 80) }

func mediaType(x wire.Exchange) string {
	t, _, err := mime.ParseMediaType(x.Header("Content-Type"))
	if err != nil && t == "" {
		return strings.ToLower(strings.TrimSpace(strings.Split(x.Header("Content-Type"), ";")[0]))
	}
	return t
}

func mediaTypeOr(x wire.Exchange, none string) string {
	if t := mediaType(x); t != "" {
		return t
	}
	return none
}

// hasCodes says that a device authorization response gave codes away,
// whatever its status.
func hasCodes(x wire.Exchange) bool {
	o, err := x.Object()
	return err == nil && o.Has("device_code")
}

// hasToken says that a token came back, whatever the status.
func hasToken(x wire.Exchange) bool {
	o, err := x.Object()
	return err == nil && o.Has("access_token")
}

// recognised says that the token endpoint took the device code for a live one.
func recognised(x wire.Exchange) bool {
	e := x.OAuthError()
	return hasToken(x) || e == "authorization_pending" || e == "slow_down"
}

func hasError(x wire.Exchange, errors ...string) bool {
	return slices.Contains(errors, x.OAuthError())
}

// serverFault says that the server fell over. 501 is a proper refusal of a method.
func serverFault(x wire.Exchange) bool { return x.Status >= 500 && x.Status != 501 }

// noStore says that Cache-Control forbids to store the response.
func noStore(x wire.Exchange) bool {
	for _, line := range x.Response.Header.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(directive), "no-store") {
				return true
			}
		}
	}
	return false
}

// hasChallenge says that one of the challenges has that scheme.
func hasChallenge(x wire.Exchange, scheme string) bool {
	for _, line := range x.Response.Header.Values("WWW-Authenticate") {
		for challenge := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
			if strings.EqualFold(name, scheme) {
				return true
			}
		}
	}
	return false
}

// quoted joins words for a message: "a", "b" or "c".
func quoted(words ...string) string {
	for i := range words {
		words[i] = `"` + words[i] + `"`
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// headerLine is a response header as it came, or that there was none.
func headerLine(x wire.Exchange, name string) string {
	value := x.Header(name)
	if value == "" {
		return "no " + name
	}
	return fmt.Sprintf("%s %q", name, clip(value))
}
