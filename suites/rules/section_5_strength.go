package rules

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section5Strength = []Rule{
	{"SEC-02", one(transcript.Codes), nil, deviceCodeStrength},
	{"SEC-03", one(transcript.Codes), []string{transcript.Guessing, transcript.CodeEntry, transcript.WrongUserCodes}, userCodeStrength},
}

// The limits of SEC-02 and SEC-03, in bits. The failing ones are ours, for gross
// faults, hence the codes policy-*.
const (
	deviceBits     = 128 // RFC 6749 section 10.10
	deviceBitsFail = 64
	userBits       = 28
	userBitsFail   = 16
)

// SEC-02
func deviceCodeStrength(j *judging) {
	list := j.sample()
	if len(list) == 0 {
		return
	}
	var facts *DeviceCodeFacts
	switch {
	case !slices.ContainsFunc(list, func(x issued) bool { return j.hidden(x.device) }):
		facts = deviceCodeFacts(list)
	case j.Facts.DeviceCodes != nil:
		facts = j.Facts.DeviceCodes // the values are gone; what the run noted about them counts
	default:
		j.inconclusive("this recording has redacted codes: for a throwaway server, run --unredacted keeps them")
		return
	}
	first := list[0].said
	if facts.HashOfUserCode != "" {
		j.fail("policy-hash-of-user-code", "a device_code that cannot be derived", "each device_code is the "+facts.HashOfUserCode+" of its user_code", first)
		return
	}
	about := ""
	switch facts.Form {
	case formUnsigned:
		about = "unsigned tokens, content:"
		j.warn("unsigned", "a signature, or opaque text", "the device_code is a token without a signature (alg none); its content could be changed", first)
	case formSigned:
		about = "signed tokens, signature:"
		j.note("readable", "the device_code is a signed token with a readable payload", first)
	case formJSON:
		about = "encoded JSON:"
		j.note("readable", "the device_code is readable encoded JSON", first)
	}
	if facts.ContainsUserCode {
		j.warn("contains-user-code", "a device_code that does not contain the user_code", "each device_code contains its user_code, which does not count here", first)
	}
	f := facts.Figures
	j.strength(f, about, deviceBits, deviceBitsFail, "a device_code", list)
	if f.Growing && f.Bits >= deviceBitsFail {
		j.note("begins-with-time", "the codes increase in the order of issue: they seem to begin with a time or a counter")
	}
}

// The forms in which device codes were seen, beside opaque text.
const (
	formSigned   = "signed token"
	formUnsigned = "unsigned token"
	formJSON     = "encoded JSON"
)

// deviceCodeFacts is what SEC-02 takes from the values.
func deviceCodeFacts(list []issued) *DeviceCodeFacts {
	codes := make([]string, len(list))
	for i, x := range list {
		codes[i] = x.device
	}
	facts := &DeviceCodeFacts{HashOfUserCode: hashOfUserCode(list)}
	judged, form := unpredictable(codes)
	facts.Form = form
	judged, facts.ContainsUserCode = withoutUserCode(judged, list)
	facts.Figures = measure(judged)
	facts.Figures.Growing = growing(list, judged)
	return facts
}

// strength judges figures against two limits.
func (j *judging) strength(f Figures, about string, enough, gross float64, what string, list []issued) {
	observed := fmt.Sprintf("%s at most %.1f bits: %d varying characters from %d different ones, in %d codes", about, f.Bits, f.Varying, f.Alphabet, f.Sample)
	observed = strings.TrimSpace(observed)
	evidence := []said{list[0].said, list[len(list)-1].said}
	expected := fmt.Sprintf("%s of %.0f bits or more", what, enough)
	switch {
	case f.Bits >= enough:
		j.pass("%s", observed)
	case f.Sample < leastSample:
		j.inconclusive("the server issued only %d codes, and a verdict needs %d (see limits.codes, or the server's rate limit)", f.Sample, leastSample)
	case f.Bits < gross && f.Growing:
		j.fail("policy-sequential", expected, observed+"; they increase in the order of issue, like a counter or a clock", evidence...)
	case f.Bits < gross:
		j.fail("policy-weak", expected, observed, evidence...)
	default:
		j.warn("weak", expected, observed, evidence...)
	}
	j.note("figures", fmt.Sprintf("%.1f bits: %d varying characters from an alphabet of %d (estimated %.1f), %d codes", f.Bits, f.Varying, f.Alphabet, f.Estimate, f.Sample))
}

// unpredictable returns the part of codes that has to be unpredictable: of a
// signed token the signature, of readable JSON its text, otherwise all.
func unpredictable(codes []string) (parts []string, form string) {
	jws, readable := 0, 0
	signatures, texts := make([]string, len(codes)), make([]string, len(codes))
	unsigned := false
	for i, c := range codes {
		segments := strings.Split(c, ".")
		if header, ok := decodedJSON(segments[0]); ok && len(segments) == 3 && header.Has("alg") {
			jws++
			signatures[i] = segments[2]
			if alg, _ := header.String("alg"); strings.EqualFold(alg, "none") || segments[2] == "" {
				unsigned = true
				signatures[i] = segments[1]
				if text, ok := decodedText(segments[1]); ok {
					signatures[i] = text
				}
			}
			continue
		}
		if _, ok := decodedJSON(c); ok {
			readable++
			texts[i], _ = decodedText(c)
		}
	}
	switch {
	case jws == len(codes) && unsigned:
		return signatures, formUnsigned
	case jws == len(codes):
		return signatures, formSigned
	case readable == len(codes):
		return texts, formJSON
	}
	return codes, ""
}

// decodedText undoes base64, in either alphabet and with or without padding.
func decodedText(s string) (string, bool) {
	s = strings.TrimRight(s, "=")
	for _, e := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
		if b, err := e.DecodeString(s); err == nil {
			return string(b), true
		}
	}
	return "", false
}

func decodedJSON(s string) (wire.Object, bool) {
	text, ok := decodedText(s)
	if !ok || !strings.HasPrefix(text, "{") {
		return wire.Object{}, false
	}
	o, err := wire.ParseObject([]byte(text))
	return o, err == nil
}

// withoutUserCode removes the user code from device codes that all contain it.
func withoutUserCode(codes []string, list []issued) (stripped []string, shared bool) {
	if len(codes) < 2 {
		return codes, false
	}
	for i, c := range codes {
		without, found := c, false
		for _, form := range []string{list[i].user, significant(list[i].user), strings.ToLower(significant(list[i].user))} {
			if len(form) >= minCode && strings.Contains(without, form) {
				without, found = strings.Replace(without, form, "", 1), true
				break
			}
		}
		if !found {
			return codes, false
		}
		stripped = append(stripped, without)
	}
	return stripped, true
}

// hashOfUserCode names the hash by which all device codes come from their user
// codes, or "".
func hashOfUserCode(list []issued) string {
	if len(list) < 2 {
		return ""
	}
	hashes := []struct {
		name string
		sum  func(string) []byte
	}{
		{"MD5", func(s string) []byte { h := md5.Sum([]byte(s)); return h[:] }},
		{"SHA-1", func(s string) []byte { h := sha1.Sum([]byte(s)); return h[:] }},
		{"SHA-256", func(s string) []byte { h := sha256.Sum256([]byte(s)); return h[:] }},
		{"SHA-512", func(s string) []byte { h := sha512.Sum512([]byte(s)); return h[:] }},
	}
	for _, h := range hashes {
		matches := 0
		for _, x := range list {
			if isHashOf(x.device, x.user, h.sum) {
				matches++
			}
		}
		if matches == len(list) {
			return h.name
		}
	}
	return ""
}

// leastHash is the shortest beginning of a hash that is no coincidence.
const leastHash = 16

func isHashOf(device, user string, sum func(string) []byte) bool {
	if len(device) < leastHash || user == "" {
		return false
	}
	for _, input := range []string{user, strings.ToLower(user), significant(user), strings.ToLower(significant(user))} {
		b := sum(input)
		for _, encoded := range []string{hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
			base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b)} {
			if strings.HasPrefix(encoded, strings.TrimRight(device, "=")) {
				return true
			}
		}
	}
	return false
}

// SEC-03
func userCodeStrength(j *judging) {
	list := j.sample()
	if len(list) == 0 {
		return
	}
	codes, ok := j.userCodes(list)
	if !ok {
		return
	}
	about := j.onlyWhatCounts(codes)
	f := measure(codes)
	f.Growing = growing(list, codes)
	if f.Growing && f.Sample >= leastSample && f.Bits >= userBitsFail {
		j.fail("policy-sequential", "user codes that do not reveal the next one", fmt.Sprintf("%d codes increase in the order of issue, like a counter or a clock", f.Sample), list[0].said, list[1].said)
	}
	if f.Sample >= leastSample && f.Bits >= userBitsFail && f.Bits < userBits && j.guessingIsLimited() {
		j.measure("short-but-limited", strings.TrimSpace(fmt.Sprintf("%s at most %.1f bits in %d codes, and the server limits guesses (see SEC-04)", about, f.Bits, f.Sample)), list[0].said)
		return
	}
	j.strength(f, about, userBits, userBitsFail, "a user_code", list)
}

// onlyWhatCounts reduces user codes to what the server tells apart, and says so.
func (j *judging) onlyWhatCounts(codes []string) (about string) {
	var ignored []string
	if lower, upper := casesIn(codes); lower && upper && j.caseOfLetters() == caseIgnored {
		ignored = append(ignored, "case (see VERIFY-04)")
		for i := range codes {
			codes[i] = significant(codes[i])
		}
	}
	first, last := j.ignoredEnds()
	if first {
		ignored = append(ignored, "the first character (see VERIFY-03)")
	}
	if last {
		ignored = append(ignored, "the last character (see VERIFY-03)")
	}
	for i := range codes {
		row := []rune(codes[i])
		if first && len(row) > 0 {
			row = row[1:]
		}
		if last && len(row) > 0 {
			row = row[:len(row)-1]
		}
		codes[i] = string(row)
	}
	if len(ignored) == 0 {
		return ""
	}
	return "without what the server ignores, " + strings.Join(ignored, " and ") + ":"
}

// guessingIsLimited says that SEC-04 saw a limit: RFC 8628 section 5.1 takes
// size and limit together.
func (j *judging) guessingIsLimited() bool {
	quiet := judging{Evidence: j.Evidence}
	guessesAreLimited(&quiet)
	return quiet.judgement().Verdict == Pass
}

// userCodes are the significant characters of the sample's user codes.
func (j *judging) userCodes(list []issued) (codes []string, ok bool) {
	for _, x := range list {
		if x.user != "" {
			codes = append(codes, x.user)
		}
	}
	if len(codes) == 0 {
		j.inconclusive("no response has a user_code that is a string (see RESP-04)")
		return nil, false
	}
	if j.redacted(codes) {
		return nil, false
	}
	fold := j.userCodeFold()
	for i, c := range codes {
		codes[i] = fold(c)
	}
	return codes, true
}
