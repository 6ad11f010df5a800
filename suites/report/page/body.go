package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// maxPretty bounds the bodies that are laid out: longer ones are cut anyway.
const maxPretty = 64 << 10

// body is what a message carried, laid out for reading where it is JSON or a
// form, and as it was otherwise.
func body(content wire.Bytes, header http.Header, most int) string {
	switch {
	case len(content) == 0:
		return ""
	case len(content) > maxPretty:
		begin := strings.ToValidUTF8(string(content[:most]), "\ufffd")
		return fmt.Sprintf("%s … (%d more bytes in result.json)", begin, len(content)-most)
	}
	if !utf8.Valid(content) {
		return clip(fmt.Sprintf("%q", content[:min(len(content), most)]), most)
	}
	text := string(content)
	var pretty bytes.Buffer
	switch {
	case strings.HasPrefix(strings.ToLower(header.Get("Content-Type")), "application/x-www-form-urlencoded"):
		text = form(text)
	case json.Indent(&pretty, content, "", "  ") == nil:
		text = pretty.String()
	}
	return clip(text, most)
}

// form puts each parameter on a line of its own, decoded where that changes
// nothing else; one that cannot be decoded stays as it was sent.
func form(s string) string {
	lines := strings.Split(s, "&")
	for i, line := range lines {
		name, value, ok := strings.Cut(line, "=")
		n, errN := url.QueryUnescape(name)
		v, errV := url.QueryUnescape(value)
		if ok && errN == nil && errV == nil {
			lines[i] = n + " = " + v
		}
	}
	return strings.Join(lines, "\n")
}

// headers are a message's header lines in alphabetical order.
func headers(h http.Header, most int) (lines []header, more int) {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range h[name] {
			if len(lines) == most {
				more++
				continue
			}
			lines = append(lines, header{clip(name, 200), clip(value, 600)})
		}
	}
	return lines, more
}
