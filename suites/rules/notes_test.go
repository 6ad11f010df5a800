package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// TestNotes: what is no judgement is told at the check that it belongs to.
func TestNotes(t *testing.T) {
	for _, c := range []struct {
		id, code string
		edit     edit
	}{
		{"RESP-02", "further-members", in(transcript.DeviceAuthorization, "valid/public", member("message", `"hello"`))},
		{"TOKEN-09", "further-members", in(transcript.Approval, "token", member("user_id", `"7"`))},
		{"META-01", "no-oauth-document", func(e Evidence) {
			tr := e.Transcripts[transcript.Metadata]
			for i, x := range tr.Exchanges {
				if strings.Contains(x.URL, oauthDocument) {
					answer(404, "")(&tr.Exchanges[i])
				}
			}
		}},
	} {
		rule, _ := ForID(c.id)
		has := func(e Evidence) bool {
			return slices.ContainsFunc(rule.Judge(e).Findings, func(f Finding) bool { return f.Code == c.code && f.Severity == Info })
		}
		e := clone(recorded(t))
		if has(e) {
			t.Errorf("%s %s: noted of a server that gives no reason", c.id, c.code)
		}
		c.edit(e)
		if j := rule.Judge(e); !has(e) || j.Verdict != Pass {
			t.Errorf("%s %s: %s, %+v", c.id, c.code, j.Verdict, j.Findings)
		}
	}
}

// TestRefusedLate: a scope that only the token is refused for.
func TestRefusedLate(t *testing.T) {
	rule, _ := ForID("DA-08")
	e := clone(recorded(t))
	accepted := func(x *wire.Exchange) { answer(200, codes)(x) }
	tr := e.Transcripts[transcript.Scopes]
	x, ok := tr.First("unknown")
	if !ok {
		t.Fatal("the recording has no unknown scope")
	}
	accepted(&x)
	for i := range tr.Exchanges {
		if tr.Exchanges[i].Label == "unknown" {
			tr.Exchanges[i] = x
		}
	}
	token := x
	token.N, token.Label = len(tr.Exchanges)+1, "token/1"
	oauthError("invalid_scope")(&token)
	tr.Exchanges = append(tr.Exchanges, token)
	tr.Journeys = append(tr.Journeys, transcript.Journey{Name: "approve unknown", Outcome: transcript.Approved})
	e.Transcripts[transcript.Scopes] = tr
	j := rule.Judge(e)
	if !slices.ContainsFunc(j.Findings, func(f Finding) bool { return f.Code == "refused-late" }) {
		t.Errorf("%s: %+v", j.Verdict, j.Findings)
	}
}
