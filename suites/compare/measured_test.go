package compare

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

func answered(n int, label string, status int, body string) wire.Exchange {
	return wire.Exchange{N: n, Label: label, Method: "POST", URL: "https://h/token", Status: status,
		Response: &wire.Message{Header: http.Header{}, Body: wire.Bytes(body)}}
}

func conversation(name string, exchanges ...wire.Exchange) report.Scenario {
	return report.NewScenario(transcript.Transcript{Scenario: name, Exchanges: exchanges})
}

func issues(body string) wire.Exchange { return answered(1, "device", 200, body) }

// valuesOf are what is measured in each column under a name.
func valuesOf(t *testing.T, name string, results ...report.Result) (values []string, differs bool) {
	t.Helper()
	var columns []Column
	for _, r := range results {
		columns = append(columns, Column{Result: r})
	}
	for _, m := range measured(columns) {
		if m.Name == name {
			return m.Values, m.Differs
		}
	}
	return nil, false
}

// TestMeasured: one value of one result each.
func TestMeasured(t *testing.T) {
	with := func(scenarios ...report.Scenario) report.Result { return report.Result{Scenarios: scenarios} }
	codes := func(list ...string) report.Result {
		var all []wire.Exchange
		for _, code := range list {
			b, _ := json.Marshal(map[string]string{"user_code": code})
			all = append(all, issues(string(b)))
		}
		return with(conversation(transcript.Codes, all...))
	}
	figures := func(id, observed string) report.Result {
		return report.Result{Checks: []report.Check{{ID: "DA-01"}, {ID: id, Findings: []rules.Finding{{Code: "other", Observed: "bits 99, no"}, {Code: "figures", Observed: observed}}}}}
	}
	auth := func(profile string) report.Result {
		return report.Result{Recorded: &report.Recorded{Profile: json.RawMessage(profile)}}
	}
	refused := func(scenario, label string, status int, code string) report.Result {
		return with(conversation(scenario, answered(1, label, status, `{"error":"`+code+`"}`)))
	}
	for _, test := range []struct {
		name   string
		result report.Result
		want   string // "" when the whole row is left out
	}{
		{"interval", with(conversation("approval", issues(`{"user_code":"A","interval":5}`))), "5"},
		{"interval", with(conversation("approval", issues(`{"user_code":"A","interval":"5"}`))), `"5"`},
		{"interval", with(conversation("approval", issues(`{"user_code":"A"}`), issues(`{"user_code":"B","interval":7}`))), "7"},
		{"interval", with(conversation("approval", issues(`{"interval":5}`), issues(`<html>`), answered(3, "device", 400, `{"user_code":"A","interval":9}`))), ""},
		{"expires_in", with(conversation("approval", wire.Exchange{Status: 200}, issues(`{"user_code":"A","expires_in":1e3}`))), "1e3"},
		{"user_code format", codes("WDJB-MJHT", "BCDF-GHJK"), "AAAA-AAAA"},
		{"user_code format", codes("WDJB-1234", "9CDF-GHJK"), "xAAA-xxxx"},
		{"user_code format", codes("ab12"), "aa99"},
		{"user_code format", codes("ABC", "ABCD"), "various lengths"},
		{"user_code format", codes("", "[redacted 3]", "A1"), "A9"},
		{"user_code format", codes("é-端"), "é-端"},
		{"user_code bits", figures("SEC-03", "bits 42.5, of 100 codes"), "42.5"},
		{"user_code bits", figures("SEC-03", "bits many, of 100 codes"), ""},
		{"user_code bits", figures("SEC-03", "42.5"), ""},
		{"device_code bits", figures("SEC-02", "bits 256"), "256"},
		{"verification_uri_complete", codes("A"), "absent"},
		{"verification_uri_complete", with(conversation("device authorization", issues(`{"user_code":"A","verification_uri_complete":"https://h/"}`))), "present"},
		{"verification_uri_complete", with(conversation("throttle", issues(`{"user_code":"A"}`))), ""},
		{"throttle class", report.Result{Throttle: &rules.Throttle{Class: rules.ThrottleAny}}, string(rules.ThrottleAny)},
		{"client authentication", auth(`{"clients":{"a":{"auth":"none"},"b":{"auth":"client_secret_basic"},"c":{"auth":"none"},"d":null}}`), "client_secret_basic, none"},
		{"client authentication", auth(`{"clients":`), ""},
		{"answer to a poll before the decision", refused("approval", "pending", 400, "authorization_pending"), `400 "authorization_pending"`},
		{"answer to a poll before the decision", with(conversation("approval", answered(1, "pending", 429, ""), answered(2, "pending", 200, `{"error":"slow_down"}`))), `200 "slow_down"`},
		{"answer to a poll before the decision", with(conversation("approval", wire.Exchange{Label: "pending", Failure: &wire.Failure{Kind: wire.FailTimeout}})), ""},
		{"answer to a denied code", refused("denial", "denied/1", 400, "access_denied"), `400 "access_denied"`},
		{"answer to a device_code used again", refused("approval", "reuse/1", 400, "invalid_grant"), `400 "invalid_grant"`},
		{"answer to a wrong client secret", refused("client authentication errors", "wrong/token", 401, "invalid_client"), `401 "invalid_client"`},
		{"answer to two authentication methods", refused("client identity", "both/methods", 400, "invalid_request"), `400 "invalid_request"`},
		{"answer to a client without the grant", refused("client identity", "not allowed/device", 400, "unauthorized_client"), `400 "unauthorized_client"`},
		{"answer to a client without the grant", refused("approval", "not allowed/device", 400, "unauthorized_client"), ""},
		{"status of slow_down", with(conversation("throttle", answered(1, "a", 429, `{"error":"slow_down"}`), answered(2, "b", 400, `{"error":"slow_down"}`), answered(3, "c", 400, `{"error":"slow_down"}`))), "400 429"},
		{"status of invalid_scope", refused("scopes", "unknown", 400, strings.Repeat("x", 100)), ""},
	} {
		got, _ := valuesOf(t, test.name, test.result)
		if strings.Join(got, "|") != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestMeasuredSideBySide: a value that one column lacks is no difference, and a
// lost column has none.
func TestMeasuredSideBySide(t *testing.T) {
	of := func(interval string) Column {
		return Column{Result: report.Result{Scenarios: []report.Scenario{conversation("approval", issues(`{"user_code":"A","interval":`+interval+`}`))}}}
	}
	lost := of("99")
	lost.Lost = "killed"
	for _, test := range []struct {
		columns []Column
		want    string
		differs bool
	}{
		{[]Column{of("5"), of("5")}, "5|5", false},
		{[]Column{of("5"), {}, lost}, "5|not seen|lost", false},
		{[]Column{of("5"), {}, of("7")}, "5|not seen|7", true},
		{[]Column{of(`"` + strings.Repeat("é", 100) + `"`)}, `"` + strings.Repeat("é", 79) + "…", false},
		{[]Column{{}, lost}, "", false},
	} {
		got, differs := []string(nil), false
		for _, m := range measured(test.columns) {
			if m.Name == "interval" {
				got, differs = m.Values, m.Differs
			}
		}
		if strings.Join(got, "|") != test.want || differs != test.differs {
			t.Errorf("%q, differs %t; want %q, %t", got, differs, test.want, test.differs)
		}
	}
}

// TestSituationsAreScenarios: what is looked up by name is there under it.
func TestSituationsAreScenarios(t *testing.T) {
	known := []string{transcript.Approval, transcript.Denial, transcript.ClientErrors, transcript.ClientIdentity, transcript.DeviceAuthorization, transcript.Codes}
	for _, s := range situations {
		if !strings.Contains(strings.Join(known, "|")+"|", s.scenario+"|") {
			t.Errorf("%q: no scenario is named %q", s.name, s.scenario)
		}
	}
}
