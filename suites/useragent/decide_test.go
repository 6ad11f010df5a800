package useragent

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// TestDenyNeverApproves goes through what a Deny journey may meet.
func TestDenyNeverApproves(t *testing.T) {
	const (
		login   = `<input name=username><input type=password name=password><button>Sign in</button>`
		consent = `<p>The app wants access</p><button>Allow</button><button>Deny</button>`
		lone    = `<p>The app wants access</p><button>Allow</button>`
		confirm = `<p>Your code is ABCD-EFGH</p><button>Continue</button>`
	)
	r, err := pages.NewRecogniser(profiles.Verification{})
	if err != nil {
		t.Fatal(err)
	}
	from := &url.URL{Scheme: "https", Host: "idp.test", Path: "/device", RawQuery: "user_code=ABCD-EFGH"}
	for _, c := range []struct {
		name, page, consent string
		codes               int
		loggedIn            bool
		way                 pages.Way
		end                 transcript.Outcome
	}{
		{"login after the code", login, "unknown", 1, false, "", transcript.NoWayToDeny},
		{"login after the code, consent first-time", login, "first-time", 1, false, "", transcript.NoWayToDeny},
		{"login after the code, consent promised", login, "always", 1, false, pages.Onward, ""},
		{"login before the code", login, "unknown", 0, false, pages.Onward, ""},
		{"a way to deny", consent, "unknown", 1, true, pages.Deny, ""},
		{"no way to deny", lone, "always", 1, true, "", transcript.NoWayToDeny},
		{"early confirmation, consent promised", confirm, "always", 1, false, pages.Approve, ""},
		{"early confirmation", confirm, "unknown", 1, false, "", transcript.NoWayToDeny},
		{"a question on the way", `<p>Show tips?</p><button>Yes</button><button>No</button>`, "always", 1, true, pages.Deny, ""},
		{"late confirmation", confirm, "always", 1, true, "", transcript.NoWayToDeny},
	} {
		p := r.Recognise(SnapshotOf(c.page, from, 200, nil), "ABCD-EFGH")
		v := &visit{
			TabAgent: &TabAgent{tab: &formsTab{}, consent: c.consent, loggedIn: c.loggedIn},
			task:     Task{Goal: transcript.Deny, UserCode: "ABCD-EFGH", Start: "https://idp.test/device", TypeCode: true, Account: &Account{}},
			j:        &transcript.Journey{}, codesSent: c.codes, seen: map[string]int{},
		}
		v.task.OnTheWay = func(question string) bool { return question == " · Yes · No" }
		if m := v.decide(p); m.way != c.way || m.end != c.end {
			t.Errorf("%s (%s): way %q, end %q; want %q, %q", c.name, p.Role, m.way, m.end, c.way, c.end)
		}
	}
}

// TestQuestionsOnTheWayApproveNothing: what is known of a question may be wrong, so
// who must not approve never says yes where no is offered, or where the code is shown.
func TestQuestionsOnTheWayApproveNothing(t *testing.T) {
	const (
		yesOrNo = `<p>Show tips?</p><button>Yes</button><button>No</button>`
		lone    = `<p>We have new terms</p><button>I agree</button>`
		shown   = `<p>Connect ABCD-EFGH</p><button>Yes</button><button>No</button>`
		noWay   = `<p>Connect ABCD-EFGH</p><button>Allow</button>`
	)
	r, err := pages.NewRecogniser(profiles.Verification{})
	if err != nil {
		t.Fatal(err)
	}
	from := &url.URL{Scheme: "https", Host: "idp.test", Path: "/consent", RawQuery: "user_code=ABCD-EFGH"}
	for _, c := range []struct {
		goal transcript.Goal
		page string
		way  pages.Way
		end  transcript.Outcome
	}{
		{transcript.Approve, yesOrNo, pages.Approve, ""},
		{transcript.ApproveWithoutSession, yesOrNo, pages.Approve, ""},
		{transcript.ReachDecision, yesOrNo, pages.Deny, ""},
		{transcript.ReachDecision, lone, pages.Approve, ""},
		{transcript.ReachDecision, shown, "", transcript.AtDecision},
		{transcript.ReachDecision, noWay, "", transcript.AtDecision},
		{transcript.Deny, yesOrNo, pages.Deny, ""},
		{transcript.Deny, lone, pages.Approve, ""},
		{transcript.Deny, shown, pages.Deny, ""},
		{transcript.Deny, noWay, "", transcript.NoWayToDeny},
	} {
		p := r.Recognise(SnapshotOf(c.page, from, 200, nil), "ABCD-EFGH")
		v := &visit{
			TabAgent: &TabAgent{tab: &formsTab{}, consent: "always", loggedIn: true},
			task:     Task{Goal: c.goal, UserCode: "ABCD-EFGH", OnTheWay: func(string) bool { return true }},
			j:        &transcript.Journey{}, codesSent: 1, seen: map[string]int{},
		}
		if m := v.decide(p); m.way != c.way || m.end != c.end {
			t.Errorf("%s at %s (%s): way %q, end %q; want %q, %q", c.goal, c.page, p.Role, m.way, m.end, c.way, c.end)
		}
		if onTheWay := c.page == yesOrNo; onTheWay && v.j.Decided {
			t.Errorf("%s: an answer to a question on the way counts as the decision", c.goal)
		}
	}
}

// TestStepsHoldNoSecret: nothing that a step keeps as text tells the password.
func TestStepsHoldNoSecret(t *testing.T) {
	const said = "Is s3cret & more yours?"
	j := transcript.Journey{Steps: []transcript.Step{{Title: said, Question: said + " · Yes", Alert: said, Text: said, Fields: []string{said}}}}
	scrub(&j, "s3cret & more")
	if told := fmt.Sprintf("%+v", j); strings.Contains(told, "s3cret") {
		t.Error(told)
	}
}
