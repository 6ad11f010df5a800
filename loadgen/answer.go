package loadgen

import (
	"bytes"
	"hash/maphash"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// reply is what a device reads from a body: RFC 8628 section 3.2, RFC 6749
// sections 5.1 and 5.2. The texts are parts of the body.
type reply struct {
	object          bool
	err             []byte
	accessToken     []byte
	deviceCode      []byte
	userCode        []byte
	verificationURI []byte
	expiresIn       int64 // -1: absent or no number
	interval        int64 // the same
}

// reader parses bodies. It is used by one goroutine and keeps its buffers.
type reader struct {
	dialect *wire.Dialect
	decoder jsontext.Decoder
	buffer  bytes.Buffer
}

// read parses a body. One that is no JSON object has nothing in it.
func (p *reader) read(status int, body []byte) reply {
	r := reply{expiresIn: -1, interval: -1}
	if p.dialect != nil {
		p.readDialect(&r, status, body)
		return r
	}
	p.buffer = *bytes.NewBuffer(body)
	// Repeated names are for the conformance run to judge.
	p.decoder.Reset(&p.buffer, jsontext.AllowDuplicateNames(true))
	if t, err := p.decoder.ReadToken(); err != nil || t.Kind() != '{' {
		return r
	}
	for p.decoder.PeekKind() == '"' {
		name, err := p.decoder.ReadValue()
		if err != nil {
			return reply{expiresIn: -1, interval: -1}
		}
		member := r.member(unquote(name))
		value, err := p.decoder.ReadValue()
		if err != nil {
			return reply{expiresIn: -1, interval: -1}
		}
		switch {
		case member.text != nil && value.Kind() == '"':
			*member.text = unquote(value)
		case member.number != nil && value.Kind() == '0':
			if n, err := strconv.ParseFloat(string(value), 64); err == nil && n >= 0 && n < 1e9 {
				*member.number = int64(math.Ceil(n)) // 2.5 s is not over after 2
			}
		}
	}
	if t, err := p.decoder.ReadToken(); err != nil || t.Kind() != '}' {
		return reply{expiresIn: -1, interval: -1}
	}
	if _, err := p.decoder.ReadToken(); err != io.EOF {
		return reply{expiresIn: -1, interval: -1} // more than one value
	}
	r.object = true
	return r
}

// members are those that are read.
var members = []string{"error", "access_token", "device_code", "user_code", "verification_uri", "expires_in", "interval"}

// place is where a member of the body goes.
type place struct {
	text   *[]byte
	number *int64
}

func (r *reply) member(name []byte) place {
	switch string(name) {
	case "error":
		return place{text: &r.err}
	case "access_token":
		return place{text: &r.accessToken}
	case "device_code":
		return place{text: &r.deviceCode}
	case "user_code":
		return place{text: &r.userCode}
	case "verification_uri":
		return place{text: &r.verificationURI}
	case "expires_in":
		return place{number: &r.expiresIn}
	case "interval":
		return place{number: &r.interval}
	}
	return place{}
}

// unquote is the text of a JSON string; without escapes it is a part of it.
func unquote(quoted []byte) []byte {
	if len(quoted) >= 2 && bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil
	}
	return text
}

// readDialect reads the answers of a target that spells them its own way.
func (p *reader) readDialect(r *reply, status int, body []byte) {
	x := wire.Exchange{Status: status, Dialect: p.dialect, Response: &wire.Message{Body: body}}
	o, err := x.Object()
	if err != nil {
		return
	}
	r.object = true
	// No pointer into r may leave the stack, or each answer of any target costs an
	// allocation.
	for _, name := range members {
		member := r.member([]byte(name))
		if s, ok := o.String(name); ok && member.text != nil {
			*member.text = []byte(s)
		}
		if n, err := strconv.ParseFloat(string(o.Raw(name)), 64); err == nil && n >= 0 && n < 1e9 && member.number != nil {
			*member.number = int64(math.Ceil(n)) // 2.5 s is not over after 2
		}
	}
}

// outcome is what an answer means to a device.
func (r *reply) outcome(k kind, status int) outcome {
	switch string(r.err) {
	case "":
	case "authorization_pending":
		return outcomePending
	case "slow_down":
		return outcomeSlowDown
	case "access_denied":
		return outcomeDenied
	case "expired_token":
		return outcomeExpired
	case "invalid_grant":
		return outcomeInvalidGrant
	default:
		if status != 429 && status < 500 {
			return outcomeOtherError
		}
	}
	switch {
	case status == 503:
		return outcomeUnavailable
	case status == 429:
		return outcomeTooMany
	case status >= 500:
		return outcomeServerError
	case status/100 == 2 && k == kindIssue && len(r.deviceCode) > 0 && len(r.userCode) > 0:
		return outcomeCodes
	case status/100 == 2 && k == kindPoll && len(r.accessToken) > 0:
		return outcomeToken
	}
	return outcomeNotUnderstood
}

// seed makes the fingerprints of one process comparable with each other only.
var seed = maphash.MakeSeed()

// fingerprint stands for a code or token in tables that must not hold it.
func fingerprint(text []byte) uint64 {
	return max(1, maphash.Bytes(seed, text)) // 0 is an empty place
}
