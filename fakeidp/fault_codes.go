package fakeidp

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"unicode"
)

// codeFaults: which differences between codes count.
var codeFaults = []fault{
	{Fault{"F-VERIFY-06b", "cases-confuse", "The case of user codes matters, and both cases of letters such as C and W occur", Defect},
		func() behaviour {
			return behaviour{configure: func(c *Config) { c.UserCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZbcdfghjkmnpqrstvwxz23456789" }}
		}},
	{Fault{"F-SEC-03b", "case-does-not-count", "User codes of five letters from nine, shown in both cases, and the case is ignored", Defect},
		func() behaviour {
			return behaviour{
				configure: func(c *Config) { c.UserCodeAlphabet, c.UserCodeLength = "BDFGHJLMN", 5 },
				response:  showInBothCases,
			}
		}},
	{Fault{"B76", "case-is-decoration", "User codes are shown in both cases, and the case is ignored", Benign}, see(showInBothCases)},
	{Fault{"F-VERIFY-03b", "chokes-on-spaces", "A valid user code with a space in it gets status 500", Defect}, chokesOnSpaces(always)},
	{Fault{"B77", "chokes-once", "One valid user code with a space in it gets status 500", Benign}, chokesOnSpaces(1)},
	{Fault{"F-TOKEN-03c", "end-of-device-code-ignored", "The last eight characters of a device code do not count", Defect},
		comparesStart(func(length int) int { return length - 8 })},
	{Fault{"F-TOKEN-03d", "start-of-device-code-counts", "Only the first eight characters of a device code count", Defect},
		comparesStart(func(int) int { return 8 })},
	{Fault{"B78", "first-character-ignored", "Any character may stand for the first one of a user code", Benign}, ignoresFirstCharacter},
}

// showInBothCases shows user codes with letters of both cases.
func showInBothCases(x *exchange) {
	o, ok := x.object()
	if !ok || !x.codes() {
		return
	}
	code, _ := o["user_code"].(string)
	x.replace(code, strings.Map(func(c rune) rune {
		if rand.IntN(2) == 0 {
			return unicode.ToLower(c)
		}
		return c
	}, code))
}

const always = 1 << 30

// chokesOnSpaces gives the first codes with a space in them status 500.
func chokesOnSpaces(times int64) func() behaviour {
	return func() behaviour {
		var choked atomic.Int64
		return behaviour{request: func(x *exchange) bool {
			typed := x.form.Get("user_code")
			if _, err := x.p.find(typed); err != nil || !x.post(pathDevice) || !strings.Contains(strings.TrimSpace(typed), " ") || choked.Add(1) > times {
				return false
			}
			x.status, x.answer = http.StatusInternalServerError, []byte("Internal Server Error")
			return true
		}}
	}
}

// comparesStart takes a device code for any that begins with the same characters.
func comparesStart(counts func(length int) int) func() behaviour {
	return meet(func(x *exchange) bool {
		code := x.form.Get("device_code")
		if !x.post(pathToken) || len(x.form["device_code"]) != 1 {
			return false
		}
		for _, g := range x.p.grants.all(x.p.clock.Now()) {
			if n := counts(len(g.deviceCode)); len(code) >= n && code[:n] == g.deviceCode[:n] {
				x.setForm("device_code", g.deviceCode)
			}
		}
		return false
	})
}

// ignoresFirstCharacter takes a typed code for any that goes on in the same way.
func ignoresFirstCharacter() behaviour {
	return behaviour{request: func(x *exchange) bool {
		normal, ok := x.p.userCodes.normalise(x.form.Get("user_code"))
		if _, err := x.p.find(normal); !ok || err == nil || !x.post(pathDevice) {
			return false
		}
		for _, c := range x.p.userCodes.alphabet {
			if g, err := x.p.find(string(c) + normal[1:]); err == nil {
				x.setForm("user_code", g.userCode)
			}
		}
		return false
	}}
}
