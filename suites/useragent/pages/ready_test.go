package pages_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// TestPagesOfReadyProfiles shows the pages of servers that cannot run here: no
// more of each than the names and words that its templates were read for.
func TestPagesOfReadyProfiles(t *testing.T) {
	const userCode = `<input type=text id=user_code name=user_code>`
	for _, test := range []struct {
		profile, path, source string
		role                  string
		acts                  string // going on, or approving; then what denies
	}{
		{"dex", "/device", `<h2>Enter User Code</h2><form method=post>` + userCode + `<button id=submit-login type=submit>Submit</button></form>`,
			"code", `fill text:user_code with user_code; click "Submit"`},
		{"dex", "/device/auth/verify_code", `<form method=post>` + userCode + `<div id=login-error>Invalid or Expired User Code</div><button id=submit-login type=submit>Submit</button></form>`,
			"code_error", ""},
		{"dex", "/auth/local/login", `<form method=post><input id=login name=login><input id=password name=password type=password><button id=submit-login type=submit>Login</button></form>`,
			"login", `fill text:login with username; fill password:password with password; click "Login"`},
		{"dex", "/auth/local/login", `<form method=post><input id=login name=login><input id=password name=password type=password><div id=login-error>Invalid Email Address and password.</div><button id=submit-login type=submit>Login</button></form>`,
			"login_error", ""},
		{"dex", "/approval", `<h2>Grant Access</h2><form method=post><input type=hidden name=approval value=approve><button type=submit><span>Grant Access</span></button></form><form method=post><input type=hidden name=approval value=rejected><button type=submit><span>Cancel</span></button></form>`,
			"consent", `click "Grant Access" | click "Cancel"`},
		{"dex", "/approval", `<h2>Internal Server Error</h2><p>Approval rejected.</p>`, "denied", ""},
		{"dex", "/device/callback", `<h2>Login Successful for Television</h2><p>Return to your device to continue</p>`, "success", ""},

		{"zitadel", "/device", `<title>Device authorization</title><form method=POST>` + userCode + `<button type=submit>Login</button></form>`,
			"code", `fill text:user_code with user_code; click "Login"`},
		{"zitadel", "/device/confirm", `<title>Confirm device authorization</title><h1>Welcome back alice!</h1><button type=button>Allow</button><button type=button>Deny</button>`,
			"consent", `click "Allow" | click "Deny"`},

		{"authelia", "/", `<form><input id=username-textfield type=text><input id=password-textfield type=password><button id=sign-in-button>Sign in</button></form>`,
			"login", `fill text:username-textfield with username; fill password:password-textfield with password; click "Sign in"`},
		{"authelia", "/consent/openid/device-authorization", `<form id=form-consent-openid-device-code-authorization><input id=user-code name=user_code><button id=confirm-button type=submit>Confirm</button></form>`,
			"code", `fill text:user_code with user_code; click "Confirm"`},
		{"authelia", "/consent/openid/decision", `<p>The above application is requesting the following permissions:</p><button id=openid-consent-accept>Accept</button><button id=openid-consent-deny>Deny</button>`,
			"consent", `click "Accept" | click "Deny"`},
		{"authelia", "/consent/completion?flow=openid_connect&decision=accepted", `<p>Done</p>`, "success", ""},
		{"authelia", "/consent/completion?flow=openid_connect&decision=rejected", `<p>Done</p>`, "denied", ""},

		{"spring", "/activate", `<h2>Device Activation</h2><form method=post>` + userCode + `<button type=submit>Submit</button></form>`,
			"code", `fill text:user_code with user_code; click "Submit"`},
		{"spring", "/oauth2/consent", `<p>You have provided the code BCDF-GHJK.</p><form method=post><input type=hidden name=user_code value=BCDF-GHJK><input type=checkbox name=scope value=message.read><button type=submit id=submit-consent>Submit Consent</button><button type=button id=cancel-consent>Cancel</button></form>`,
			"consent", `check check:scope; click "Submit Consent" | click "Cancel"`},
		{"spring", "/activated", `<h2>Success!</h2><p>You have successfully activated your device.</p>`, "success", ""},

		{"duende", "/Account/Login", `<form method=post><input id=Input_Username name=Input.Username><input id=Input_Password name=Input.Password type=password><button name=Input.Button value=login>Login</button><button name=Input.Button value=cancel>Cancel</button></form>`,
			"login", `fill text:Input.Username with username; fill password:Input.Password with password; click "Login"`},
		{"duende", "/device", `<div class=page-device-code><form method=get><input id=userCode name=userCode><button name=button>Submit</button></form></div>`,
			"code", `fill text:userCode with user_code; click "Submit"`},
		{"duende", "/device", `<div class=page-device-code><div class="alert alert-danger">Invalid user code</div><form method=get><input id=userCode name=userCode><button name=button>Submit</button></form></div>`,
			"code_error", ""},
		{"duende", "/device", `<div class=page-device-confirmation><form method=post><input name=Input.UserCode type=hidden value=123456789><button name=Input.button value=yes>Yes, Allow</button><button name=Input.button value=no>No, Do Not Allow</button></form></div>`,
			"consent", `click "Yes, Allow" | click "No, Do Not Allow"`},
		{"duende", "/Device/Success", `<div class=page-device-success><h1>Success</h1></div>`, "success", ""},
	} {
		p, err := profiles.Load(test.profile, profiles.Options{NoSecrets: true})
		if err != nil {
			t.Fatal(err)
		}
		r, err := pages.NewRecogniser(p.Verification)
		if err != nil {
			t.Fatal(err)
		}
		from, err := url.Parse("https://idp.test" + test.path)
		if err != nil {
			t.Fatal(err)
		}
		page := r.Recognise(useragent.SnapshotOf(test.source, from, 200, r.Queries()), "BCDF-GHJK")
		if page.Role != test.role {
			t.Errorf("%s %s: recognised as %q, want %q: %v", test.profile, test.path, page.Role, test.role, page.Tried)
			continue
		}
		if test.acts == "" {
			continue // the journey ends, or has ended
		}
		did := described(page, pages.Onward, test.role != "consent")
		if test.role == "consent" {
			did = described(page, pages.Approve, false) + " | " + described(page, pages.Deny, false)
		}
		if did != test.acts {
			t.Errorf("%s %s: %s\nwant %s", test.profile, test.path, did, test.acts)
		}
	}
}

func described(page *pages.Sighting, way pages.Way, code bool) string {
	var did []string
	for _, a := range page.Acts(way, code) {
		did = append(did, a.Describe(page))
	}
	return strings.Join(did, "; ")
}
