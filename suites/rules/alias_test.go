package rules

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// renamed is another name for a member.
func renamed(from, to string) func(*wire.Exchange) {
	return body(func(s string) string { return strings.Replace(s, `"`+from+`":`, `"`+to+`":`, 1) })
}

// asForm is a JSON answer as a form.
func asForm(x *wire.Exchange) {
	var members map[string]any
	if json.Unmarshal(x.Response.Body, &members) != nil {
		return
	}
	form := url.Values{}
	for name, value := range members {
		text, ok := value.(string)
		if !ok {
			encoded, _ := json.Marshal(value)
			text = string(encoded)
		}
		form.Set(name, text)
	}
	x.Response.Body = wire.Bytes(form.Encode())
	header("Content-Type", wire.FormType)(x)
}

// every changes all exchanges of a scenario that have an answer.
func every(scenario string, change func(*wire.Exchange)) edit {
	return func(e Evidence) {
		t := e.Transcripts[scenario]
		for i := range t.Exchanges {
			if t.Exchanges[i].Response != nil {
				change(&t.Exchanges[i])
			}
		}
		e.Transcripts[scenario] = t
	}
}

// TestDeclaredSpellings: a spelling that the profile declares is reported by the
// rule whose matter it is, and by no other; the same spelling without the
// declaration trips more.
func TestDeclaredSpellings(t *testing.T) {
	declined := func(x *wire.Exchange) {
		if x.OAuthError() == "access_denied" {
			oauthError("authorization_declined")(x)
		}
	}
	clean := recorded(t)
	unchanged(t)
	for _, test := range []struct {
		name    string
		deviate edit
		declare func(*profiles.Profile)
		want    map[string]string // check to verdict and code
		without []string          // checks that do not pass without the declaration
	}{
		{"a member", every(authorization, renamed("verification_uri", "verification_url")),
			func(p *profiles.Profile) {
				p.Responses.Members = map[string]string{"verification_uri": "verification_url"}
			},
			map[string]string{"RESP-05": "fail alias"}, []string{"RESP-05", "RESP-06", "RESP-09"}},
		{"an error code", every(transcript.Denial, declined),
			func(p *profiles.Profile) {
				p.Responses.Errors = map[string]string{"access_denied": "authorization_declined"}
			},
			map[string]string{"POLL-08": "fail alias", "ERR-05": "warn alias"}, []string{"POLL-08", "ERR-05"}},
		{"forms", all(every(authorization, asForm), every(transcript.Approval, asForm), every(transcript.TokenErrors, asForm)),
			func(p *profiles.Profile) { p.Responses.Format = "form" },
			map[string]string{"RESP-01": "fail media-type", "RESP-02": "fail not-an-object", "TOKEN-09": "fail media-type", "ERR-02": "fail body"},
			[]string{"RESP-01", "RESP-02", "RESP-03", "RESP-05", "TOKEN-01", "TOKEN-09", "ERR-02", "VERIFY-01"}},
		{"a status", in(transcript.SteadyPolling, "poll", func(x *wire.Exchange) { x.Status = 428 }),
			func(p *profiles.Profile) { p.Responses.Statuses = map[string]int{"authorization_pending": 428} },
			map[string]string{"ERR-01": "fail 428-authorization_pending"}, []string{"ERR-01"}},
		{"the issuer", in(transcript.Metadata, "document", member("issuer", `"https://other"`)),
			func(p *profiles.Profile) { p.IssuerRule = "ignore" },
			map[string]string{"META-04": "info ignored"}, []string{"META-04"}},
		{"the query", in(deviceErr, "query/parameters", answer(200, codes)),
			func(p *profiles.Profile) { p.Request.DeviceAuthorization.ParamsIn = "query" },
			map[string]string{"DA-02": "warn parameters-from-query"}, []string{"DA-02"}},
		{"no scope", in(deviceErr, "scope", oauthError("invalid_request")),
			func(p *profiles.Profile) { p.Capabilities.ScopeRequired = new(true) },
			map[string]string{"DA-07": "warn other-error"}, []string{"DA-07"}},
		{"a documented lifetime", func(Evidence) {},
			func(p *profiles.Profile) { p.Expect.ExpiresIn = time.Hour },
			map[string]string{"RESP-07": "info undocumented"}, nil},
		{"a documented interval", func(Evidence) {},
			func(p *profiles.Profile) { p.Expect.Interval = time.Hour },
			map[string]string{"RESP-08": "info undocumented"}, nil},
		{"a documented user code", func(Evidence) {},
			func(p *profiles.Profile) { p.Expect.UserCode = "[0-9]{6}" },
			map[string]string{"RESP-04": "info undocumented"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := clone(clean)
			test.deviate(e)
			bare := tripped(e)
			for _, check := range test.without {
				if bare[check] == "" {
					t.Errorf("%s passes without the declaration: %v", check, bare)
				}
			}
			test.declare(e.Profile)
			if got := tripped(e); !maps.Equal(got, test.want) {
				t.Errorf("with it %v, want %v", got, test.want)
			}
			for check, what := range test.want {
				verdict, code, _ := strings.Cut(what, " ")
				if verdict != "info" && !slices.ContainsFunc(Declared(e.Profile), func(d profiles.Deviation) bool {
					return d.Check == check && d.Code == code && d.Expect == verdict
				}) {
					t.Errorf("%s %s is not among the declared deviations %+v", check, what, Declared(e.Profile))
				}
			}
		})
	}
}

// tripped are the checks whose verdict is not that of the clean recording.
func tripped(e Evidence) map[string]string {
	all := map[string]string{}
	for _, rule := range registry {
		j := rule.Judge(e)
		if clean, ok := cleanVerdicts[rule.ID]; ok && j.Verdict == clean || !ok && j.Verdict == Pass {
			continue
		}
		all[rule.ID] = string(j.Verdict)
		for _, f := range j.Findings {
			if f.Severity == j.Verdict {
				all[rule.ID] += " " + f.Code
				break
			}
		}
	}
	return all
}
