package formats

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// The types of HAR 1.2, as far as they are used. The libraries that have them
// are parts of proxies, far heavier than these lines.
type (
	harLog struct {
		Log harBody `json:"log"`
	}
	harBody struct {
		Version string     `json:"version"`
		Creator harCreator `json:"creator"`
		Comment string     `json:"comment,omitempty"`
		Entries []harEntry `json:"entries"`
	}
	harCreator struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	harEntry struct {
		Started  string      `json:"startedDateTime"`
		Time     float64     `json:"time"`
		Request  harRequest  `json:"request"`
		Response harResponse `json:"response"`
		Cache    struct{}    `json:"cache"`
		Timings  harTimings  `json:"timings"`
		Comment  string      `json:"comment,omitempty"`
	}
	harRequest struct {
		Method      string    `json:"method"`
		URL         string    `json:"url"`
		HTTPVersion string    `json:"httpVersion"`
		Cookies     []harPair `json:"cookies"`
		Headers     []harPair `json:"headers"`
		QueryString []harPair `json:"queryString"`
		PostData    *harPost  `json:"postData,omitempty"`
		HeadersSize int       `json:"headersSize"`
		BodySize    int       `json:"bodySize"`
	}
	harPost struct {
		MimeType string    `json:"mimeType"`
		Text     string    `json:"text"`
		Params   []harPair `json:"params"`
	}
	harResponse struct {
		Status      int        `json:"status"`
		StatusText  string     `json:"statusText"`
		HTTPVersion string     `json:"httpVersion"`
		Cookies     []harPair  `json:"cookies"`
		Headers     []harPair  `json:"headers"`
		Content     harContent `json:"content"`
		RedirectURL string     `json:"redirectURL"`
		HeadersSize int        `json:"headersSize"`
		BodySize    int        `json:"bodySize"`
		Error       string     `json:"_error,omitempty"`
	}
	harContent struct {
		Size     int    `json:"size"`
		MimeType string `json:"mimeType"`
		Text     string `json:"text,omitempty"`
		Encoding string `json:"encoding,omitempty"`
	}
	harPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	harTimings struct {
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
	}
)

// HAR writes one conversation for a browser's network panel. Only the total
// time of an exchange is known: it counts as waiting.
func HAR(w io.Writer, r report.Result, s report.Scenario) error {
	log := harLog{harBody{
		Version: "1.2", Creator: harCreator{"devicegrant", line(r.Tool.Version)}, Entries: []harEntry{},
		Comment: line(s.Transcript.Scenario) + " with " + titleOf(r.Target) + "; marks replace secrets",
	}}
	rate := r.Target.ClockRate
	if !(rate > 0) {
		rate = 1
	}
	for _, x := range s.Exchanges {
		log.Log.Entries = append(log.Log.Entries, harEntryOf(x, r.Started, rate))
	}
	return encode(w, log)
}

func harEntryOf(x wire.Exchange, started time.Time, rate float64) harEntry {
	took := max(0, float64((x.Received-x.Sent).Microseconds())/1000/rate)
	e := harEntry{
		Started: started.Add(time.Duration(float64(x.Sent) / rate)).UTC().Format("2006-01-02T15:04:05.000Z"),
		Time:    took, Timings: harTimings{Wait: took}, Comment: line(x.Label),
	}
	e.Request = harRequest{
		Method: line(x.Method), URL: x.URL, HTTPVersion: "HTTP/1.1", Cookies: []harPair{}, Headers: harHeaders(x.Request.Header),
		QueryString: []harPair{}, HeadersSize: -1, BodySize: len(x.Request.Body),
	}
	if u, err := url.Parse(x.URL); err == nil {
		e.Request.QueryString = harValues(u.Query())
	} else {
		e.Request.URL = "about:invalid#" + url.PathEscape(line(x.URL))
	}
	if len(x.Request.Body) > 0 {
		e.Request.PostData = &harPost{MimeType: x.Request.Header.Get("Content-Type"), Text: strings.ToValidUTF8(string(x.Request.Body), "\ufffd"), Params: []harPair{}}
	}
	e.Response = harResponse{Status: x.Status, StatusText: http.StatusText(x.Status), HTTPVersion: line(x.Proto), Cookies: []harPair{}, Headers: []harPair{}, HeadersSize: -1, BodySize: -1}
	if x.Response != nil {
		e.Response.Headers, e.Response.RedirectURL = harHeaders(x.Response.Header), x.Response.Header.Get("Location")
		e.Response.Content, e.Response.BodySize = harContentOf(*x.Response), len(x.Response.Body)
	}
	if x.Failure != nil {
		e.Response.Error = line(x.Failure.Error())
	}
	return e
}

func harContentOf(m wire.Message) harContent {
	c := harContent{Size: len(m.Body), MimeType: m.Header.Get("Content-Type"), Text: string(m.Body)}
	if c.MimeType == "" {
		c.MimeType = "x-unknown"
	} else if kind, _, err := mime.ParseMediaType(c.MimeType); err != nil || kind == "" {
		c.MimeType = line(c.MimeType)
	}
	if !utf8.Valid(m.Body) {
		text, _ := json.Marshal([]byte(m.Body)) // bytes always marshal, as base64
		c.Text, c.Encoding = strings.Trim(string(text), `"`), "base64"
	}
	return c
}

func harHeaders(h http.Header) []harPair { return harValues(url.Values(h)) }

func harValues(v url.Values) []harPair {
	list := []harPair{}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		for _, value := range v[name] {
			list = append(list, harPair{name, value})
		}
	}
	return list
}

// HARFile returns the file name of a conversation.
func HARFile(scenario string) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '-'
	}, scenario[:min(len(scenario), 80)])
	return fmt.Sprintf("%s.har", strings.Trim(name, "-"))
}
