package loadgen

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// sampleKey is what samples are kept for, and samplesEach how many of each.
type sampleKey struct {
	kind    kind
	outcome outcome
	status  int
}

const (
	samplesEach = 2
	maxSamples  = 60
)

// rawSample is an exchange as it was, secrets and all. It never leaves the
// process: redacted does.
type rawSample struct {
	device            uint32
	kind              kind
	outcome           outcome
	written, answered int64
	status            int
	text              string
}

// sample keeps the first exchanges of each kind.
func (a *accounts) sample(w *worker, o outcome, d *device, done int64) {
	key := sampleKey{w.kind, o, w.answer.Status}
	if a.samples[key] >= samplesEach || len(a.kept) >= maxSamples {
		return
	}
	a.samples[key]++
	a.kept = append(a.kept, rawSample{d.serial, w.kind, o, w.answer.Written, done, w.answer.Status, string(raw(w))})
}

// rawMark divides a request from its answer in raw texts.
const rawMark = "\x00answer\x00"

// raw is the exchange of a worker as text.
func raw(w *worker) []byte {
	var b bytes.Buffer
	e := w.request.Endpoint
	fmt.Fprintf(&b, "POST %s\n", e.AddressWith(w.request.Code))
	for _, h := range e.Headers {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	b.WriteString("\n" + e.BodyWith(w.request.Code) + rawMark)
	if w.answer.Err != nil {
		b.WriteString(w.answer.Err.Error())
	} else {
		b.Write(w.answer.Body)
	}
	return b.Bytes()
}

func splitRaw(text string) (request, response string) {
	request, response, _ = strings.Cut(text, rawMark)
	return request, response
}

// maxSampleText bounds what one exchange adds to the result.
const maxSampleText = 4 << 10

// redact learns the secrets of an exchange, and takes them out of it.
func (s *Site) redact(request, response string) (string, string) {
	head, body, _ := strings.Cut(request, "\n\n")
	line, fields, _ := strings.Cut(head, "\n")
	method, address, _ := strings.Cut(line, " ")
	header := http.Header{}
	for field := range strings.SplitSeq(fields, "\n") {
		name, value, _ := strings.Cut(field, ": ")
		header[name] = append(header[name], value)
	}
	s.redactor.LearnURL(address)
	s.redactor.Learn(header, []byte(body))
	s.redactor.Learn(nil, []byte(response))

	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", method, s.redactor.URL(address))
	for field := range strings.SplitSeq(fields, "\n") {
		name, _, _ := strings.Cut(field, ": ")
		fmt.Fprintf(&b, "%s: %s\n", name, s.redactor.Header(header).Get(name))
	}
	fmt.Fprintf(&b, "\n%s", s.redactor.Body([]byte(body)))
	return clipped(b.String()), clipped(s.redactor.Stranger(response))
}

func clipped(text string) string {
	if len(text) > maxSampleText {
		return strings.ToValidUTF8(text[:maxSampleText], "") + " …"
	}
	return text
}

// show makes a raw sample presentable.
func (s *Site) show(r rawSample) Sample {
	request, response := s.redact(splitRaw(r.text))
	return Sample{Device: r.device, Kind: r.kind.String(), Answer: r.outcome.String(), SentMS: milliseconds(r.written),
		AnsweredMS: milliseconds(r.answered), Request: request, Status: r.status, Response: response}
}
