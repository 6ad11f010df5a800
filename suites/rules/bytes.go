package rules

import (
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// flaw is something wrong between the bytes of an answer and the JSON in it.
type flaw struct {
	severity                 Verdict
	code, expected, observed string
}

// codings are the content codings for which there are clients that undo them (RFC
// 9110 section 8.4.1 and the IANA registry): common ones all but compress.
var codings = []string{"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"}

// wideCharsets begin the names of charsets in which ASCII letters have other bytes.
var wideCharsets = []string{"utf-16", "utf-32", "utf-7", "ucs-", "iso-10646-ucs", "ebcdic", "ibm037", "ibm500", "ibm1047", "cp037"}

// flaws are those of an answer that is JSON to whoever ignores its headers. A body
// that is not JSON is left to the rules themselves.
func flaws(x wire.Exchange) (list []flaw) {
	o, err := x.Literal()
	if err != nil {
		return nil
	}
	if o.BOM {
		list = append(list, flaw{Warn, "byte-order-mark", "no byte order mark (RFC 8259 section 8.1)", "a byte order mark before the object"})
	}
	coding := contentCodings(x)
	unknown := func(name string) bool { return !slices.Contains(codings, name) }
	switch {
	case len(coding) == 0:
	case !slices.ContainsFunc(coding, unknown):
		list = append(list, flaw{Fail, "content-encoding", "a Content-Encoding that is true (RFC 9110 section 8.4)", fmt.Sprintf("Content-Encoding %q for a body that is plain JSON: a client that decodes it gets nothing", strings.Join(coding, ", "))})
	default:
		list = append(list, flaw{Warn, "content-encoding", "no Content-Encoding, or a registered one (RFC 9110 section 8.4.1)", headerLine(x, "Content-Encoding")})
	}
	// charset means nothing for JSON (RFC 8259 section 11), but there are clients
	// that decode by it.
	charset := charsetOf(x)
	ascii := !slices.ContainsFunc(x.Response.Body, func(b byte) bool { return b >= 0x80 })
	wide := slices.ContainsFunc(wideCharsets, func(prefix string) bool { return strings.HasPrefix(charset, prefix) })
	switch {
	case charset == "", charset == "utf-8", charset == "utf8", charset == "us-ascii" && ascii:
	case wide || !ascii:
		list = append(list, flaw{Warn, "charset", "no charset, or UTF-8 (RFC 8259 sections 8.1 and 11)", headerLine(x, "Content-Type") + " for a body in UTF-8: clients that decode by it read something else"})
	default:
		list = append(list, flaw{Info, "charset", "", headerLine(x, "Content-Type") + ": charset means nothing for JSON (RFC 8259 section 11)"})
	}
	return list
}

// flawed reports the flaws of one answer.
func (j *judging) flawed(x said) {
	for _, f := range flaws(x.Exchange) {
		j.find(f.severity, f.code, f.expected, f.observed, []said{x})
	}
}

// contentCodings are those in the Content-Encoding of an answer, in lower case and
// without identity; none where the request asked for one.
func contentCodings(x wire.Exchange) (names []string) {
	if x.Response == nil || x.Request.Header.Get("Accept-Encoding") != "" {
		return nil
	}
	for _, line := range x.Response.Header.Values("Content-Encoding") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" && name != "identity" {
				names = append(names, name)
			}
		}
	}
	return names
}

// unreadable says why a body is no JSON object, and names a coding that explains it.
func unreadable(x wire.Exchange, err error) string {
	if coding := strings.Join(contentCodings(x), ", "); coding != "" {
		return fmt.Sprintf("%s: Content-Encoding %q, which the request did not ask for (Accept-Encoding: identity)", err, clip(coding))
	}
	return err.Error()
}

func charsetOf(x wire.Exchange) string {
	_, params, _ := mime.ParseMediaType(x.Header("Content-Type"))
	return strings.ToLower(params["charset"])
}

// overlong reports a wrong Content-Length, where all answers of a kind are overdue and
// more than one is. A connection that is lost now and then ends in the middle of
// an object, and does not end every answer.
func (j *judging) overlong(whole []said, overdue []said) bool {
	if len(whole) > 0 || len(overdue) < 2 {
		return false
	}
	x := overdue[0]
	length := "the framing of the answer"
	if n := x.Header("Content-Length"); n != "" {
		length = "Content-Length " + clip(n)
	}
	j.fail("content-length", "a Content-Length that is true (RFC 9112 section 6.3)", fmt.Sprintf("%s promises more than the object, after which nothing comes (%s): %d of %d answers", length, x.Failure.Kind, len(overdue), len(overdue)), overdue[:min(maxEvidence, len(overdue))]...)
	return true
}

// overdueIn are the answers below a label whose object is complete, has a member, and
// is followed by less than the headers promise.
func (j *judging) overdueIn(scenario, label, member string) (list []said) {
	for _, x := range j.Transcripts[scenario].Labelled(label) {
		if o, ok := x.Overdue(); ok && o.Has(member) {
			list = append(list, said{x, scenario})
		}
	}
	return list
}

// address is the URL of a request without its query.
func address(x said) string {
	bare, _, _ := strings.Cut(x.URL, "?")
	return bare
}

// overdueErrors judges the Content-Length of errors, by endpoint and code.
func (j *judging) overdueErrors(whole []said) {
	kind := func(x said, code string) string { return address(x) + " " + code }
	complete := map[string][]said{}
	for _, x := range whole {
		key := kind(x, x.OAuthError())
		complete[key] = append(complete[key], x)
	}
	var late groups
	for _, name := range slices.Concat(errorSources, errorWitnesses) {
		for _, x := range j.Transcripts[name].Exchanges {
			if o, ok := x.Overdue(); ok && o.Has("error") {
				code, _ := o.String("error")
				late.add(kind(said{x, name}, code), said{x, name})
			}
		}
	}
	for _, key := range late.order {
		j.overlong(complete[key], late.found[key])
	}
}
