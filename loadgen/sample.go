package loadgen

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// sampleKey is what samples are kept for, and samplesEach how many of each.
type sampleKey struct {
	kind    Kind
	outcome Outcome
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
	kind              Kind
	outcome           Outcome
	written, answered int64
	status            int
	text              string
}

// sample keeps the first exchanges of each kind.
func (s *shard) sample(w *worker, o Outcome, d *device, done int64) {
	key := sampleKey{w.kind, o, w.answer.Status}
	if s.samples[key] >= samplesEach || len(s.kept) >= maxSamples {
		return
	}
	s.samples[key]++
	s.kept = append(s.kept, rawSample{d.serial, w.kind, o, w.answer.Written, done, w.answer.Status, string(raw(w))})
}

// rawMark divides a request from its answer in raw texts.
const rawMark = "\x00answer\x00"

// raw is the exchange of a worker as text.
func raw(w *worker) []byte {
	var b bytes.Buffer
	e := w.request.Endpoint
	fmt.Fprintf(&b, "POST %s\n", e.address(w.request.Code))
	for _, h := range e.Headers {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	b.WriteString("\n" + e.body(w.request.Code) + rawMark)
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
	_, body, _ := strings.Cut(request, "\n\n")
	x := wire.Exchange{Request: wire.Message{Body: []byte(body)}, Response: &wire.Message{Body: []byte(response)}}
	if _, query, ok := strings.Cut(strings.SplitN(request, "\n", 2)[0], "?"); ok && body == "" {
		x.Request.Body = []byte(query)
	}
	s.Redactor.Learn(transcript.Transcript{Exchanges: []wire.Exchange{x}})
	return clipped(s.Redactor.Text(request)), clipped(s.Redactor.Text(response))
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
