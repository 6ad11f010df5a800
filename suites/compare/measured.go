package compare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// unknown stands where a result has no evidence for a value.
const unknown = "not seen"

// errorsAsked are the errors whose HTTP statuses are compared.
var errorsAsked = []string{
	"authorization_pending", "slow_down", "access_denied", "expired_token",
	"invalid_grant", "invalid_client", "invalid_request", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
}

// situations are moments of a conversation in which servers are known to
// answer differently.
var situations = []struct{ name, scenario, label string }{
	{"a poll before the decision", "approval", "pending"},
	{"a denied code", "denial", "denied"},
	{"a device_code used again", "approval", "reuse"},
	{"a wrong client secret", "client authentication errors", "wrong/token"},
	{"two authentication methods", "client identity", "both/methods"},
	{"a client without the grant", "client identity", "not allowed/device"},
}

// measured collects the values of every column.
func measured(columns []Column) []Measured {
	list := []Measured{}
	add := func(name string, value func(report.Result) string) {
		m := Measured{Name: name}
		seen := map[string]bool{}
		for _, c := range columns {
			v := unknown
			if c.Lost != "" {
				v = string(Lost)
			} else if got := value(c.Result); got != "" {
				v = short(got)
				seen[v] = true
			}
			m.Values = append(m.Values, v)
		}
		if len(seen) > 0 {
			m.Differs = len(seen) > 1
			list = append(list, m)
		}
	}
	add("interval", func(r report.Result) string { return deviceMember(r, "interval") })
	add("expires_in", func(r report.Result) string { return deviceMember(r, "expires_in") })
	add("user_code format", userCodeFormat)
	add("user_code bits", func(r report.Result) string { return bits(r, "SEC-03") })
	add("device_code bits", func(r report.Result) string { return bits(r, "SEC-02") })
	add("verification_uri_complete", func(r report.Result) string {
		if len(deviceAnswers(r)) == 0 {
			return ""
		}
		if deviceMember(r, "verification_uri_complete") == "" {
			return "absent"
		}
		return "present"
	})
	add("throttle class", func(r report.Result) string {
		if r.Throttle == nil {
			return ""
		}
		return string(r.Throttle.Class)
	})
	add("client authentication", clientAuth)
	for _, s := range situations {
		add("answer to "+s.name, func(r report.Result) string { return answer(r, s.scenario, s.label) })
	}
	for _, e := range errorsAsked {
		add("status of "+e, func(r report.Result) string { return statuses(r, e) })
	}
	return list
}

// short bounds a value that a target chose.
func short(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// deviceAnswers are the successful device authorization responses of the
// scenarios in which the server was asked for nothing unusual.
func deviceAnswers(r report.Result) (list []wire.Object) {
	for _, s := range r.Scenarios {
		if s.Transcript.Scenario != "device authorization" && s.Transcript.Scenario != "approval" && s.Transcript.Scenario != "codes" {
			continue
		}
		for _, x := range s.Exchanges {
			if x.Status != 200 {
				continue
			}
			if o, err := x.Object(); err == nil {
				if _, ok := o.String("user_code"); ok {
					list = append(list, o)
				}
			}
		}
	}
	return list
}

// deviceMember is the value of a member in the first response that has it, as
// it was spelled: "5" and 5 are not the same here.
func deviceMember(r report.Result, name string) string {
	for _, s := range r.Scenarios {
		for _, x := range s.Exchanges {
			if x.Status != 200 || x.Response == nil {
				continue
			}
			var members map[string]json.RawMessage
			if json.Unmarshal(x.Response.Body, &members) != nil || members["user_code"] == nil {
				continue
			}
			if v := members[name]; v != nil {
				return string(v)
			}
		}
	}
	return ""
}

// userCodeFormat writes A, a or 9 where every code has a capital, a small letter
// or a digit, x where they vary, and anything else as it is.
func userCodeFormat(r report.Result) string {
	var format []rune
	for _, o := range deviceAnswers(r) {
		code, _ := o.String("user_code")
		if code == "" || strings.Contains(code, "redacted") {
			continue
		}
		shape := []rune(strings.Map(kindOf, code))
		switch {
		case format == nil:
			format = shape
		case len(format) != len(shape):
			return "various lengths"
		}
		for i := range format {
			if format[i] != shape[i] {
				format[i] = 'x'
			}
		}
	}
	return string(format)
}

func kindOf(c rune) rune {
	switch {
	case c >= '0' && c <= '9':
		return '9'
	case c >= 'a' && c <= 'z':
		return 'a'
	case c >= 'A' && c <= 'Z':
		return 'A'
	}
	return c
}

// bits reads the figures that the rules about code strength note.
func bits(r report.Result, id string) string {
	for _, c := range r.Checks {
		if c.ID != id {
			continue
		}
		for _, f := range c.Findings {
			value, ok := strings.CutPrefix(f.Observed, "bits ")
			if f.Code != "figures" || !ok {
				continue
			}
			value, _, _ = strings.Cut(value, ",")
			if _, err := strconv.ParseFloat(value, 64); err == nil {
				return value
			}
		}
	}
	return ""
}

// answer is how the first answered request below a label ended.
func answer(r report.Result, scenario, label string) string {
	for _, s := range r.Scenarios {
		if s.Transcript.Scenario != scenario {
			continue
		}
		for _, x := range s.Labelled(label) {
			if x.Answered() && !x.Overloaded() {
				return report.Outcome(x)
			}
		}
	}
	return ""
}

// statuses are the HTTP statuses with which an error came.
func statuses(r report.Result, code string) string {
	var seen []int
	for _, s := range r.Scenarios {
		for _, x := range s.Exchanges {
			// A resource server has codes and statuses of its own: userinfo is asked by
			// GET, and introspection and revocation about a token.
			asked := x.Method == "POST" && !x.Form().Has("token")
			if asked && x.Answered() && !slices.Contains(seen, x.Status) && x.OAuthError() == code {
				seen = append(seen, x.Status)
			}
		}
	}
	slices.Sort(seen)
	return strings.Trim(fmt.Sprint(seen), "[]")
}

// clientAuth is what the profile says of the clients that were used.
func clientAuth(r report.Result) string {
	if r.Recorded == nil {
		return ""
	}
	var p struct {
		Clients map[string]*struct {
			Auth string `json:"auth"`
		} `json:"clients"`
	}
	if json.Unmarshal(r.Recorded.Profile, &p) != nil {
		return ""
	}
	var seen []string
	for _, c := range p.Clients {
		if c != nil && c.Auth != "" && !slices.Contains(seen, c.Auth) {
			seen = append(seen, c.Auth)
		}
	}
	slices.Sort(seen)
	return strings.Join(seen, ", ")
}

// exchanges looks up what a finding cites, a few of them.
func exchanges(c Column, f rules.Finding, most int) (list []wire.Exchange) {
	for _, ref := range f.Exchanges {
		if x, ok := report.FindExchange(c.Result, ref); ok && len(list) < most {
			list = append(list, x)
		}
	}
	return list
}
