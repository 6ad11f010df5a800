package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// strengthCases: sizes, samples and transport: hostile input, entropy of codes, TLS, Host.
var strengthCases = []ruleCase{
	{"DA-15", "5xx twice", all(in(hostileSizes, "bytes/NUL", answer(500, "")), twice(hostileSizes, "bytes/NUL")), Fail, "policy-server-error"},
	{"DA-15", "5xx twice for a NUL in another parameter", all(in(hostileSizes, "parameter/token/grant_type/NUL", answer(500, "")), twice(hostileSizes, "parameter/token/grant_type/NUL")), Fail, "policy-server-error"},
	{"DA-15", "any unknown grant type falls over", all(in(hostileSizes, "parameter/token/grant_type/NUL", answer(500, "")), twice(hostileSizes, "parameter/token/grant_type/NUL"), in(hostileSizes, "parameter/token/grant_type/plain", answer(500, ""))), Pass, ""},
	{"DA-15", "a firewall refuses a NUL", in(hostileSizes, "parameter", answer(403, "<h1>no</h1>")), Pass, ""},
	{"DA-15", "single parameters were not tried", drop(hostileSizes, "parameter"), Pass, ""},
	{"DA-15", "5xx once", in(hostileSizes, "bytes/NUL", answer(500, "")), Pass, ""},
	{"DA-15", "503 twice", all(in(hostileSizes, "size/body", answer(503, "")), twice(hostileSizes, "size/body")), Pass, ""},
	{"DA-15", "502 twice", all(in(hostileSizes, "size/body", answer(502, "")), twice(hostileSizes, "size/body")), Pass, ""},
	{"DA-15", "a hang", all(in(hostileSizes, "size/scope", lost(wire.FailTimeout)), twice(hostileSizes, "size/scope")), Fail, "policy-hang"},
	{"DA-15", "the connection is closed", in(hostileSizes, "size", lost(wire.FailReset)), Pass, ""},
	{"DA-15", "413", in(hostileSizes, "size", answer(413, "")), Pass, ""},
	{"DA-15", "invalid UTF-8 is accepted", in(hostileSizes, "bytes/FF", answer(200, codes)), Warn, "invalid-text-accepted"},
	{"DA-15", "a change of direction is accepted", in(hostileSizes, "bytes/direction", answer(200, codes)), Pass, ""},
	{"DA-15", "a line break becomes a header", in(hostileSizes, "bytes/CRLF", func(x *wire.Exchange) {
		mark := hostileMark.FindString(x.Form().Get("scope"))
		header("X-"+mark, mark)(x)
	}), Fail, "policy-header-injection"},
	{"DA-15", "HTML with the value as it was sent", in(hostileSizes, "markup/client_id", func(x *wire.Exchange) {
		sent := x.Form().Get("client_id")
		all2(answer(400, "<h1>unknown client "+sent+"</h1>"), header("Content-Type", "text/html"))(x)
	}), Fail, "policy-reflected-html"},
	{"DA-15", "HTML with the value escaped", in(hostileSizes, "markup/client_id", func(x *wire.Exchange) {
		sent := strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(x.Form().Get("client_id"))
		all2(answer(400, "<h1>unknown client "+sent+"</h1>"), header("Content-Type", "text/html"))(x)
	}), Pass, ""},
	{"DA-15", "a header with the value as it was sent", in(hostileSizes, "markup/scope", func(x *wire.Exchange) {
		header("WWW-Authenticate", "Bearer scope="+x.Form().Get("scope"))(x)
	}), Fail, "policy-reflected-header"},
	{"DA-15", "an error that repeats quotes", in(hostileSizes, "markup/scope", func(x *wire.Exchange) {
		member("error_description", fmt.Sprintf("%q", "invalid scope "+x.Form().Get("scope")))(x)
	}), Pass, ""},
	{"DA-15", "any unknown client falls over", all(in(hostileSizes, "markup/client_id", answer(500, "")), twice(hostileSizes, "markup/client_id"), in(hostileSizes, "plain/client_id", answer(500, ""))), Pass, ""},
	{"DA-15", "any unknown client falls over, in an old recording", all(in(hostileSizes, "markup/client_id", answer(500, "")), twice(hostileSizes, "markup/client_id"), drop(hostileSizes, "plain/client_id"), in(deviceErr, "client/unknown", answer(500, ""))), Pass, ""},
	{"DA-15", "quotes alone fall over", all(in(hostileSizes, "markup/client_id", answer(500, "")), twice(hostileSizes, "markup/client_id")), Fail, "policy-server-error"},
	{"DA-15", "an error of the server's own with a quote", in(hostileSizes, "markup/scope", member("error_description", `"bad \"scope\""`)), Pass, ""},
	{"DA-15", "the control fails", in(hostileSizes, "control", oauthError("invalid_client")), Inconclusive, ""},

	{"ERR-06", "a Java trace", in(deviceErr, "type/text", answer(500, "java.lang.NullPointerException\n\tat com.example.Oauth.token(Oauth.java:33)\n")), Warn, "stack-trace"},
	{"ERR-06", "a node trace", in(deviceErr, "type/text", answer(400, `{"error":"invalid_request","error_description":"TypeError: x\n    at handler (/srv/app/token.js:10:5)"}`)), Warn, "stack-trace"},
	{"ERR-06", "a Python trace", in(deviceErr, "type/text", answer(500, "Traceback (most recent call last):\n")), Warn, "stack-trace"},
	{"ERR-06", "SQL", in(tokenErr, "unknown/NUL", member("error_description", `"ERROR: syntax error at or near \"x\""`)), Warn, "sql"},
	{"ERR-06", "a path", in(tokenErr, "unknown/NUL", member("error_description", `"cannot open /var/lib/idp/codes.db"`)), Warn, "file-path"},
	{"ERR-06", "the device code", in(tokenErr, "unknown/random", func(x *wire.Exchange) {
		member("error_description", fmt.Sprintf("%q", "unknown device code "+x.Form().Get("device_code")))(x)
	}), Warn, "device-code"},
	{"ERR-06", "the path that was asked for", in(deviceErr, "method/GET", func(x *wire.Exchange) {
		x.URL = "https://h/home/oauth/device.php"
		all2(answer(404, "The requested URL /home/oauth/device.php was not found on this server."), header("Content-Type", "text/html"))(x)
	}), Pass, ""},
	{"ERR-06", "a server in Paraguay", in(tokenErr, "unknown/random", member("error_uri", `"https://auth.example.py:8443/x"`)), Pass, ""},
	{"ERR-06", "a link to a page", in(tokenErr, "unknown/random", member("error_uri", `"https://h/docs/errors.html#at-home"`)), Pass, ""},
	{"ERR-06", "a page with assets", in(deviceErr, "method/GET", all2(answer(405, `<link href="/opt/style.css"><p>Please select a method from the list where allowed at once (see: 1)</p>`), header("Content-Type", "text/html"))), Pass, ""},
	{"ERR-06", "cacheable", in(tokenErr, "unknown/random", header("Cache-Control", "")), Pass, ""},

	{"SEC-01", "all is well", overTLS(), Pass, ""},
	{"SEC-01", "codes over http", all(overTLS(), add(transcript.Transport, "http/device", answer(200, codes))), Fail, "served-over-http"},
	{"SEC-01", "polls over http", all(overTLS(), add(transcript.Transport, "http/token", oauthError("invalid_grant"))), Fail, "served-over-http"},
	{"SEC-01", "http is refused in JSON", all(overTLS(), add(transcript.Transport, "http/token", oauthError("invalid_request"))), Pass, ""},
	{"SEC-01", "a redirect of a POST", all(overTLS(), add(transcript.Transport, "http/device", all2(answer(301, ""), header("Location", "https://h/x")))), Warn, "redirect"},
	{"SEC-01", "a redirect of the page", all(overTLS(), add(transcript.Transport, "http/page", all2(answer(301, ""), header("Location", "https://h/x")))), Pass, ""},
	{"SEC-01", "the page over http", all(overTLS(), add(transcript.Transport, "http/page", answer(200, "<form>"))), Fail, "page-over-http"},
	{"SEC-01", "a notice over http", all(overTLS(), add(transcript.Transport, "http/page", answer(200, "use https"))), Warn, "something-over-http"},
	{"SEC-01", "a certificate of another host", all(overTLS(), add(transcript.Transport, "certificate/other", tlsFailure("tls: failed to verify certificate: x509: certificate is valid for a, not b"))), Fail, "certificate"},
	{"SEC-01", "a certificate of an unknown authority", all(overTLS(), add(transcript.Transport, "certificate/other", tlsFailure("x509: certificate signed by unknown authority"))), Warn, "certificate-authority"},
	{"SEC-01", "certificates are not looked at", all(overTLS(), profile(func(p *profiles.Profile) { p.TLS.Insecure = true }), add(transcript.Transport, "certificate/other", tlsFailure("x509: certificate has expired"))), Pass, ""},
	{"SEC-01", "TLS 1.0", all(overTLS(), add(transcript.Transport, "tls/1.0", answer(400, ""))), Warn, "old-tls"},
	{"SEC-01", "no probe works", all(overTLS(), drop(transcript.Transport, "tls")), Pass, ""},

	{"SEC-02", "UUIDs", deviceCodes(uuid), Warn, "weak"},
	{"SEC-02", "32 hexadecimal digits", deviceCodes(func(i int, r *rand.Rand) string { return randomHex(r, 16) }), Pass, ""},
	{"SEC-02", "12 hexadecimal digits", deviceCodes(func(i int, r *rand.Rand) string { return randomHex(r, 6) }), Fail, "policy-weak"},
	{"SEC-02", "16 hexadecimal digits", deviceCodes(func(i int, r *rand.Rand) string { return randomHex(r, 8) }), Warn, "weak"},
	{"SEC-02", "a counter", deviceCodes(func(i int, _ *rand.Rand) string { return fmt.Sprintf("dc-%032d", 41000+i) }), Fail, "policy-sequential"},
	{"SEC-02", "a clock", deviceCodes(func(i int, r *rand.Rand) string {
		return fmt.Sprintf("%016x", 1_700_000_000_000_000_000+int64(i)*800_000+r.Int64N(100_000))
	}), Fail, "policy-sequential"},
	{"SEC-02", "a time, then 80 random bits", deviceCodes(func(i int, r *rand.Rand) string {
		return fmt.Sprintf("%012x", 1_700_000_000_000+int64(i)*7) + randomHex(r, 10)
	}), Warn, "weak"},
	{"SEC-02", "a time, then 128 random bits", deviceCodes(func(i int, r *rand.Rand) string {
		return fmt.Sprintf("%012x", 1_700_000_000_000+int64(i)*7) + randomHex(r, 16)
	}), Pass, ""},
	{"SEC-02", "a hash of the user code", hashed(), Fail, "policy-hash-of-user-code"},
	{"SEC-02", "the user code and 128 random bits", containing(16), Warn, "contains-user-code"},
	{"SEC-02", "the user code and little more", containing(2), Fail, "policy-weak"},
	{"SEC-02", "signed tokens", deviceCodes(jws), Pass, ""},
	{"SEC-02", "tokens with alg none", deviceCodes(unsignedToken), Fail, "policy-sequential"},
	{"SEC-02", "JSON with a serial number", deviceCodes(func(i int, _ *rand.Rand) string {
		return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"client":"tv","serial":%06d}`, i))
	}), Fail, "policy-sequential"},
	{"SEC-02", "encrypted tokens", deviceCodes(func(_ int, r *rand.Rand) string {
		part := func(n int) string { return base64.RawURLEncoding.EncodeToString(randomBytes(r, n)) }
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + ".." + part(12) + "." + part(60) + "." + part(16)
	}), Pass, ""},
	{"SEC-02", "a few weak codes", all(deviceCodes(func(i int, r *rand.Rand) string { return randomHex(r, 6) }), keep(10)), Inconclusive, ""},
	{"SEC-02", "a few strong codes", keep(10), Pass, ""},
	{"SEC-02", "a redacted recording", deviceCodes(func(i int, r *rand.Rand) string { return "[redacted:" + randomHex(r, 4) + "]" }), Inconclusive, ""},

	{"SEC-03", "4 digits", userCodes(digits(4)), Fail, "policy-weak"},
	{"SEC-03", "6 digits, and a limit on guesses", userCodes(digits(6)), Info, "short-but-limited"},
	{"SEC-03", "6 digits, and no limit seen", all(userCodes(digits(6)), nobodyGuessed), Warn, "weak"},
	{"SEC-03", "4 digits, and a limit on guesses", userCodes(digits(4)), Fail, "policy-weak"},
	{"SEC-03", "9 digits", userCodes(digits(9)), Pass, ""},
	{"SEC-03", "6 of 20 letters", all(userCodes(letters("BCDFGHJKLMNPQRSTVWXZ", 6)), nobodyGuessed), Warn, "weak"},
	{"SEC-03", "4 of 20 letters", all(userCodes(letters("BCDFGHJKLMNPQRSTVWXZ", 4)), nobodyGuessed), Warn, "weak"},
	{"SEC-03", "3 of 20 letters", userCodes(letters("BCDFGHJKLMNPQRSTVWXZ", 3)), Fail, "policy-weak"},
	{"SEC-03", "5 digits", all(userCodes(digits(5)), nobodyGuessed), Warn, "weak"},
	{"SEC-03", "a fixed beginning", userCodes(func(i int, r *rand.Rand) string { return "ACME-TV-" + digits(4)(i, r) }), Fail, "policy-weak"},
	{"SEC-03", "8 digits from a counter", userCodes(func(i int, _ *rand.Rand) string { return fmt.Sprintf("%08d", 10_234_567+i*90_001) }), Fail, "policy-sequential"},
	{"SEC-03", "words", userCodes(func(_ int, r *rand.Rand) string {
		words := []string{"maple", "tiger", "quiet", "ocean", "lemon", "happy", "brave", "cloud"}
		return words[r.IntN(8)] + "-" + words[r.IntN(8)] + "-" + words[r.IntN(8)]
	}), Pass, ""},
	{"SEC-03", "5 of 9 letters in both cases, and the case is ignored", all(mixedCodes, userCodes(letters("BDFGHJLMNbdfghjlmn", 5))), Fail, "policy-weak"},
	{"SEC-03", "5 of 9 letters in both cases that matter", all(caseMatters, userCodes(letters("BDFGHJLMNbdfghjlmn", 5))), Info, "short-but-limited"},
	{"SEC-03", "5 of 9 letters in both cases, in an old recording", all(mixedCodes, userCodes(letters("BDFGHJLMNbdfghjlmn", 5)), unvisited(codeEntry, "other case")), Info, "short-but-limited"},
	{"SEC-03", "8 of 20 letters in both cases, and the case is ignored", all(mixedCodes, userCodes(letters("BCDFGHJKLMNPQRSTVWXZbcdfghjklmnpqrstvwxz", 8))), Pass, ""},
	{"SEC-03", "5 digits of which the first does not count", all(userCodes(digits(5)), visit(transcript.WrongUserCodes, "first character changed", outcome(transcript.AtDecision))), Fail, "policy-weak"},
	{"SEC-03", "5 digits of which all count", userCodes(digits(5)), Info, "short-but-limited"},
	{"SEC-03", "a redacted recording", userCodes(func(int, *rand.Rand) string { return "[redacted:1a2b3c4d]" }), Inconclusive, ""},
	{"SEC-03", "few codes", all(userCodes(digits(4)), keep(8)), Inconclusive, ""},
	{"SEC-03", "no strings", in(transcript.Codes, "code", member("user_code", "1234")), Inconclusive, ""},

	{"SEC-14", "the Host header is taken over, on plain http", hostOf("Host"), Warn, "host-header"},
	{"SEC-14", "the Host header is taken over", all(hostOf("Host"), in(transcript.HostHeaders, "host/Host", func(x *wire.Exchange) { x.URL = "https://h/x" })), Fail, "policy-foreign-host"},
	{"SEC-14", "X-Forwarded-Host is taken over", hostOf("X-Forwarded-Host"), Fail, "policy-foreign-host"},
	{"SEC-14", "Forwarded is taken over", hostOf("Forwarded"), Fail, "policy-foreign-host"},
	{"SEC-14", "http after X-Forwarded-Proto", all(
		in(transcript.HostHeaders, "control", member("verification_uri", `"https://h/device"`)),
		add(transcript.HostHeaders, "host/X-Forwarded-Proto", answer(200, `{"device_code":"x","user_code":"y","verification_uri":"http://h/device"}`))), Fail, "policy-http-uri"},
	{"SEC-14", "421", in(transcript.HostHeaders, "host/Host", answer(421, "")), Pass, ""},
	{"SEC-14", "another host of the server's own", in(transcript.HostHeaders, "host/Host", member("verification_uri", `"https://custom.example/device"`)), Pass, ""},
	{"SEC-14", "the control fails", in(transcript.HostHeaders, "control", oauthError("invalid_client")), Inconclusive, ""},

	{"VERIFY-06", "zero and O", userCodes(letters("0123456789ABCDEFGHJKMNOP", 8)), Warn, "confusable"},
	{"VERIFY-06", "l and I", userCodes(letters("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", 8)), Warn, "confusable"},
	{"VERIFY-06", "digits", userCodes(digits(9)), Pass, ""},
	{"VERIFY-06", "1 without I and l", userCodes(letters("123456789ABCDEFGH", 8)), Pass, ""},
	{"VERIFY-06", "C and c, where case matters", all(caseMatters, userCodes(letters("BCDbcd", 8))), Warn, "confusable-case"},
	{"VERIFY-06", "C and c, where case is ignored", all(mixedCodes, userCodes(letters("BCDbcd", 8))), Pass, ""},
	{"VERIFY-06", "C and c, in an old recording", all(mixedCodes, userCodes(letters("BCDbcd", 8)), unvisited(codeEntry, "other case")), Pass, ""},
	{"VERIFY-06", "B and b, where case matters", all(caseMatters, userCodes(letters("BDGbdg", 8))), Pass, ""},
	{"VERIFY-06", "no codes", in(transcript.Codes, "code", oauthError("invalid_client")), Inconclusive, ""},
}

// overTLS is a target over https at which everything is refused that should be.
func overTLS() edit {
	return func(e Evidence) {
		e.Transcripts[transcript.Transport] = transcript.Transcript{Scenario: transcript.Transport}
		all(add(transcript.Transport, "control", answer(200, codes)),
			add(transcript.Transport, "certificate/h", answer(405, "")),
			add(transcript.Transport, "https/page", answer(200, "<form>")),
			add(transcript.Transport, "tls/1.3", answer(405, "")),
			add(transcript.Transport, "tls/1.1", tlsFailure("remote error: tls: protocol version not supported")))(e)
	}
}

func tlsFailure(text string) func(*wire.Exchange) {
	return func(x *wire.Exchange) { x.Failure = &wire.Failure{Kind: wire.FailTLS, Text: text} }
}

// hostOf is a server that builds verification_uri from a header.
func hostOf(name string) edit {
	return in(transcript.HostHeaders, "host/"+name, func(x *wire.Exchange) {
		host := strings.TrimPrefix(x.Request.Header.Get(name), "host=")
		member("verification_uri", fmt.Sprintf("%q", "http://"+host+":8628/device"))(x)
	})
}

// each gives every code of the sample new members, from a seeded generator, in
// the order in which the codes were issued.
func each(change func(i int, r *rand.Rand, x *wire.Exchange)) edit {
	return func(e Evidence) {
		r, i := rand.New(rand.NewPCG(1, 2)), 0
		in(transcript.Codes, "code", func(x *wire.Exchange) {
			i++
			x.Sent, x.Received = time.Duration(i)*time.Millisecond, time.Duration(i+1)*time.Millisecond
			change(i, r, x)
		})(e)
	}
}

func deviceCodes(draw func(int, *rand.Rand) string) edit {
	return each(func(i int, r *rand.Rand, x *wire.Exchange) { member("device_code", fmt.Sprintf("%q", draw(i, r)))(x) })
}

func userCodes(draw func(int, *rand.Rand) string) edit {
	return each(func(i int, r *rand.Rand, x *wire.Exchange) { member("user_code", fmt.Sprintf("%q", draw(i, r)))(x) })
}

// nobodyGuessed leaves the guesses out.
func nobodyGuessed(e Evidence) { delete(e.Transcripts, transcript.Guessing) }

// keep leaves the first n codes of the sample.
func keep(n int) edit {
	return func(e Evidence) {
		t := e.Transcripts[transcript.Codes]
		t.Exchanges = t.Exchanges[:n]
		e.Transcripts[t.Scenario] = t
	}
}

func hashed() edit {
	return each(func(_ int, _ *rand.Rand, x *wire.Exchange) {
		o, _ := x.Object()
		user, _ := o.String("user_code")
		sum := sha256.Sum256([]byte(strings.ReplaceAll(user, "-", "")))
		member("device_code", fmt.Sprintf("%q", base64.RawURLEncoding.EncodeToString(sum[:])))(x)
	})
}

// containing makes device codes of the user code and n random bytes.
func containing(n int) edit {
	return each(func(_ int, r *rand.Rand, x *wire.Exchange) {
		o, _ := x.Object()
		user, _ := o.String("user_code")
		member("device_code", fmt.Sprintf("%q", user+"."+randomHex(r, n)))(x)
	})
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func randomHex(r *rand.Rand, n int) string { return hex.EncodeToString(randomBytes(r, n)) }

func uuid(_ int, r *rand.Rand) string {
	b := randomBytes(r, 16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func letters(alphabet string, n int) func(int, *rand.Rand) string {
	return func(_ int, r *rand.Rand) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
}

func digits(n int) func(int, *rand.Rand) string { return letters("0123456789", n) }

func jws(i int, r *rand.Rand) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"iat":%d}`, i)) + "." + base64.RawURLEncoding.EncodeToString(randomBytes(r, 32))
}

func unsignedToken(i int, _ *rand.Rand) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"session":%d}`, 1000+i*7)) + "."
}

// TestHonestCodesNeverFail draws many samples of honest codes, small and large:
// none may come out below what it has, or look like a counter.
func TestHonestCodesNeverFail(t *testing.T) {
	for name, shape := range map[string]struct {
		draw func(int, *rand.Rand) string
		bits float64
	}{
		"base64url":      {func(_ int, r *rand.Rand) string { return base64.RawURLEncoding.EncodeToString(randomBytes(r, 16)) }, 126},
		"hexadecimal":    {func(_ int, r *rand.Rand) string { return randomHex(r, 16) }, 128},
		"UUID":           {uuid, 122},
		"base-20, 8":     {letters("BCDFGHJKLMNPQRSTVWXZ", 8), 34.5},
		"4 hexadecimals": {letters("0123456789ABCDEF", 4), 16},
		"9 digits":       {digits(9), 29.8},
		"62 characters":  {letters("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 22), 130},
	} {
		for seed := range uint64(300) {
			r := rand.New(rand.NewPCG(seed, 7))
			n := []int{leastSample, 50, 100, 300}[seed%4]
			var list []string
			for i := range n {
				list = append(list, shape.draw(i, r))
			}
			f := measure(list)
			// A small sample of a large alphabet may hide a character.
			if slack := 0.97; f.Bits < slack*shape.bits || growing(eightAtOnce(n, r), list) {
				t.Errorf("%s, %d codes, seed %d: %+v", name, n, seed, f)
			}
		}
	}
}

// eightAtOnce is when n requests of eight workers were sent and answered, in the
// order of sample.
func eightAtOnce(n int, r *rand.Rand) (list []issued) {
	var free [8]time.Duration
	for range n {
		worker := &free[0]
		for i := range free {
			if free[i] < *worker {
				worker = &free[i]
			}
		}
		var x issued
		x.Exchange = wire.Exchange{Sent: *worker, Received: *worker + time.Duration(1+r.IntN(40))*time.Millisecond}
		if r.IntN(20) == 0 {
			x.Received += time.Second // a busy machine
		}
		*worker = x.Received
		list = append(list, x)
	}
	slices.SortStableFunc(list, func(a, b issued) int { return cmp.Compare(a.Sent+a.Received, b.Sent+b.Received) })
	return list
}

// TestGrowing: codes that a counter gives out are known by their growth, however
// late some of them arrive.
func TestGrowing(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 8))
		list := eightAtOnce(100, r)
		// The server gave each out at some moment while the request was under way.
		moments := make([]time.Duration, len(list))
		for i, x := range list {
			moments[i] = x.Sent + time.Duration(r.Int64N(int64(x.Received-x.Sent)))
		}
		codes := make([]string, len(list))
		for i, m := range moments {
			codes[i] = fmt.Sprintf("%012d", m)
		}
		if !growing(list, codes) {
			t.Errorf("seed %d: not seen", seed)
		}
	}
}
