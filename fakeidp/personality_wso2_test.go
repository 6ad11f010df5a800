package fakeidp

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// vendorClient is the client whose id stands in a vendor's document.
func vendorClient(name, id string) Config {
	return Config{Personality: name, Clients: []Client{{ID: id, Public: true}}}
}

// send makes a request that answers with a JSON object.
func send(t *testing.T, r *http.Request, into *map[string]any) *http.Response {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s %s: status %d: %v", r.Method, r.URL, resp.StatusCode, err)
	}
	return resp
}

func postForm(t *testing.T, address string, form url.Values, into *map[string]any) *http.Response {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	return send(t, r, into)
}

// TestWSO2GuideExchanges sends the requests of the current guide.
func TestWSO2GuideExchanges(t *testing.T) {
	const id = "bbwJEayR_OMwPkAgm9VOMzLnYLga"
	config := vendorClient("wso2", id)
	config.UserCodeLength = 7 // key_length of the guide
	s := NewServer(config)
	defer s.Close()
	answer := map[string]any{}
	resp := postForm(t, s.URL+"/oauth2/device_authorize", url.Values{"client_id": {id}}, &answer)
	if resp.StatusCode != http.StatusOK || len(answer) != 6 {
		t.Fatalf("%d with %v", resp.StatusCode, answer)
	}
	for member, form := range map[string]string{
		"device_code":      `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		"user_code":        `^[BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz2-9]{7}$`,
		"verification_uri": `^` + regexp.QuoteMeta(s.URL) + `/authenticationendpoint/device\.do$`,
	} {
		if text, _ := answer[member].(string); !regexp.MustCompile(form).MatchString(text) {
			t.Errorf("%s is %q", member, text)
		}
	}
	if answer["expires_in"] != 600.0 || answer["interval"] != 5.0 {
		t.Errorf("expires_in %v, interval %v", answer["expires_in"], answer["interval"])
	}
	if got := resp.Header.Get(PersonalityHeader); !strings.HasPrefix(got, "wso2;") {
		t.Errorf("%s: %q", PersonalityHeader, got)
	}
	for code, want := range map[string]string{
		"7411f395-2f3a-4cb5-8562-d7059d69c66f": "invalid_request", // of the guide
		answer["device_code"].(string):         "slow_down",       // sooner than an interval
	} {
		poll := map[string]any{}
		resp := postForm(t, s.URL+"/oauth2/token", url.Values{"grant_type": {grantTypeDevice}, "client_id": {id}, "device_code": {code}}, &poll)
		if resp.StatusCode != http.StatusBadRequest || poll["error"] != want {
			t.Errorf("%d %v, want %s", resp.StatusCode, poll, want)
		}
	}
}

// TestWSO2OldGuideExchanges sends the request of the guide for 5.x.
func TestWSO2OldGuideExchanges(t *testing.T) {
	config := vendorClient("wso2-5.11", "GyPm7DliFituWP1fvWxhNcQOlGYa")
	config.Scopes = []Scope{{"somescope_code", "A scope"}}
	s := NewServer(config)
	defer s.Close()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r, err := http.NewRequest(method, s.URL+"/oauth2/device_authorize?client_id=GyPm7DliFituWP1fvWxhNcQOlGYa&scope=somescope_code", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer := map[string]any{}
		if resp := send(t, r, &answer); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d with %v", method, resp.StatusCode, answer)
		}
		complete, _ := answer["verification_uri_complete"].(string)
		if want := s.URL + "/authenticationendpoint/device.do?user_code="; !strings.HasPrefix(complete, want) {
			t.Errorf("verification_uri_complete is %q", complete)
		}
		poll := map[string]any{}
		resp := postForm(t, s.URL+"/oauth2/token", url.Values{"grant_type": {grantTypeDevice},
			"client_id": {"GyPm7DliFituWP1fvWxhNcQOlGYa"}, "device_code": {answer["device_code"].(string)}}, &poll)
		if resp.StatusCode != http.StatusBadRequest || poll["error"] != "invalid_grant" {
			t.Errorf("%d with %v", resp.StatusCode, poll)
		}
	}
}

// TestWSO2StateMachine walks the table of DeviceFlowGrant.
func TestWSO2StateMachine(t *testing.T) {
	start := time.Unix(1000, 0)
	g := &grant{issued: start, lastPoll: start, interval: 5 * time.Second, expires: start.Add(time.Minute), ways: &personality{poll: pollWSO2}}
	at := func(seconds int, want answer) {
		t.Helper()
		if got, _ := g.poll(start.Add(time.Duration(seconds) * time.Second)); got != want {
			t.Errorf("at %d s: %v, want %v", seconds, got, want)
		}
	}
	at(5, answerSlowDown) // exactly the interval is too early
	at(11, answerPending)
	at(12, answerSlowDown)
	at(18, answerPending)   // the interval did not grow
	at(3600, answerPending) // nobody submitted the code
	g.state = stateDenied
	at(3700, answerPending)
	g.state, g.expires, g.family = stateApproved, start.Add(4000*time.Second), &family{}
	at(3701, answerTokens) // the pace does not matter once approved
	at(3702, answerSlowDown)
	at(3800, answerExpired)
}
