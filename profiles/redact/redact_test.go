package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

func secretOf(value string) *profiles.Secret {
	s := profiles.NewSecret(value)
	return &s
}

// withSecrets is a profile of a client with a secret and a person.
func withSecrets(client, password string) *profiles.Profile {
	return &profiles.Profile{
		BaseURL: "https://idp.example.com",
		Clients: profiles.Clients{
			Public:       &profiles.Client{ID: "tv-app"},
			Confidential: &profiles.Client{ID: "0oa1b2c3d4e5f6g7h8i9", Secret: secretOf(client)},
		},
		Users: profiles.Users{First: &profiles.User{Username: profiles.NewSecret("swordfish-user"), Password: profiles.NewSecret(password)}},
	}
}

func TestRandom(t *testing.T) {
	for value, want := range map[string]bool{
		// Tokens, codes and session identifiers.
		"550e8400-e29b-41d4-a716-446655440000":     true,
		"9f86d081884c7d65":                         true,
		"dGhpcyBpcyBhIDEyOC1iaXQgY29kZQ":           true,
		"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2":  true,
		"gho_16C7e42F292c6912E7710c838347Ae178B4a": true,
		"QmFzZTY0+with/slash==1a2b":                true,
		"31415926535897932384":                     true,
		// Words, addresses, names and versions.
		"authorization_pending":          false,
		"application/json":               false,
		"login/oauth2/authorize":         false,
		"WSO2-Identity-Server-7.1.0":     false,
		"device":                         false,
		"2026-11-30T07:28:27Z":           false,
		"Mon, 30 Nov 2026 07:28:27":      false,
		"deviceAuthorizationEndpoint":    false,
		"a1b2c3d4":                       false, // too short
		"WDJB-MJHT":                      false,
		"1796023800000000":               false,
		"not a1 token b2 with c3 spaces": false,
		"":                               false,
	} {
		if got := Random(value); got != want {
			t.Errorf("%q: %t", value, got)
		}
	}
}

// TestWordsOfOurs: whatever stands in a secret's place is hidden there, and a
// word of the protocol in such a place changes nothing anywhere else.
func TestWordsOfOurs(t *testing.T) {
	r := New(withSecrets("s3cr3t-client", "pass word"))
	h := http.Header{"Set-Cookie": {"view=device; Path=/device; HttpOnly", "flow=pending"}, "Content-Type": {"application/json"}}
	body := []byte(`{"access_token":"authorization_pending","error":"authorization_pending","device_code":"device_code", "user_code" : "X"}`)
	r.Learn(h, body)
	r.Learn(http.Header{"Cookie": {"view=device; flow=pending"}}, []byte("device_code=device_code&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"))

	got := r.Header(h)
	if want := "view=" + r.Mark("device") + "; Path=/device; HttpOnly"; got.Values("Set-Cookie")[0] != want || got.Get("Content-Type") != "application/json" {
		t.Errorf("%q", got)
	}
	want := `{"access_token":"` + r.Mark("authorization_pending") + `","error":"authorization_pending","device_code":"` + r.Mark("device_code") + `", "user_code" : "X"}`
	if got := string(r.Body(body)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, text := range []string{"authorization_pending", "the device_code of a device", "https://h/device?view=device#pending", `{"error":"authorization_pending"}`} {
		if got := r.Content(text); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
	profile, err := r.Tree(json.RawMessage(`{"clients":{"public":{"id":"tv-app"}},"issuer":"https://idp.example.com"}`))
	if err != nil || !strings.Contains(string(profile), `"public"`) {
		t.Errorf("%s, %v", profile, err)
	}
}

// TestShapesAreKept: what is redacted is still JSON, or still none, of the same
// members, kinds and flaws.
func TestShapesAreKept(t *testing.T) {
	r := New(withSecrets("s3cr3t-client", "pass word"))
	for _, test := range []struct{ body, want string }{
		{`{"access_token":"a","access_token":"b"}`, `{"access_token":"‹a›","access_token":"‹b›"}`},
		{"\ufeff{ \"access_token\" :\t\"a\" }", "\ufeff{ \"access_token\" :\t\"‹a›\" }"},
		{`{"access_token":""}`, `{"access_token":""}`},
		{`{"access_token":null,"id_token":true}`, `{"access_token":null,"id_token":true}`},
		{`{"access_token":{"type":"Bearer"}}`, `{"access_token":{"type":"Bearer"}}`},
		{`{"access_token":["9f86d081884c7d65"]}`, `{"access_token":["‹9f86d081884c7d65›"]}`},
		{`{"\u0061ccess_token":"a"}`, `{"\u0061ccess_token":"‹a›"}`},
		{`{"Access-Token":"a"}`, `{"Access-Token":"‹a›"}`},
		{`{"access_token":"a"}}`, `{"access_token":"‹a›"}}`},
		{`{"access_token":"a`, `{"access_token":"‹a›\q`},
		{`{"access_token":"a\q"}`, `{"access_token":"‹a\q›\q"}`},
		{"{\"access_token\":\"a\xff\"}", "{\"access_token\":\"‹a\xff›\xff\"}"},
		{`{"access_token":a}`, `{"access_token":‹a›}`},
		{`{"data":"{\"access_token\":\"a\"}"}`, `{"data":"{\"access_token\":\"‹a›\"}"}`},
		{`{"data":"x=1&access_token=a"}`, `{"data":"x=1&access_token=‹a›"}`},
		{`access_token=a&scope=x+y`, `access_token=‹a›&scope=x+y`},
		{`access%5Ftoken=a%20b`, `access%5Ftoken=‹a b›`},
		{`access_token=%`, `access_token=‹%›%zz`},
		{`<form action="/d?access_token=a"><input name="device_code" value="b"><input name=x value=y></form>`,
			`<form action="/d?access_token=‹a›"><input name="device_code" value="‹b›"><input name=x value=y></form>`},
		{`<p>The access_token: gho1_SECRETVALUE</p>`, `<p>The access_token: ‹gho1_SECRETVALUE›</p>`},
		{"password=correct-battery-9\n", "password=‹correct-battery-9›\n"},
		{`{'access_token': 'Zx9kQ2mT7pLw4vB8sN3d', 'a': 1}`, `{'access_token': '‹Zx9kQ2mT7pLw4vB8sN3d›', 'a': 1}`},
		{`{access_token: "a", other: "a"}`, `{access_token: "‹a›", other: "a"}`},
		{`{"a":"b"c","access_token":"Zx9kQ2mT7pLw4vB8sN3d"}`, `{"a":"b"c","access_token":"‹Zx9kQ2mT7pLw4vB8sN3d›"}`},
		{`[info] access_token: Zx9kQ2mT7pLw4vB8sN3d`, `[info] access_token: ‹Zx9kQ2mT7pLw4vB8sN3d›`},
		{`<p>x</p><input type=password name=p value='Zx9kQ2m`, `<p>x</p><input type="password" name="p" value="‹Zx9kQ2m›">`},
		{`<script>var t={'token':'hunter2hunter'}</script>`, `<script>var t={'token':'‹hunter2hunter›'}</script>`},
		{`The password: required, the token=temporarily`, `The password: required, the token=temporarily`},
	} {
		want := test.want
		for {
			before, rest, found := strings.Cut(want, "‹")
			if !found {
				break
			}
			value, after, _ := strings.Cut(rest, "›")
			want = before + r.Mark(value) + after
		}
		got := string(r.Body([]byte(test.body)))
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", test.body, got, want)
		}
		if json.Valid([]byte(test.body)) != json.Valid([]byte(got)) {
			t.Errorf("%s became %s", test.body, got)
		}
	}
	// Another number, the same for the same one, and a number still.
	a, b := string(r.Body([]byte(`{"access_token":12345}`))), string(r.Body([]byte(`{"access_token": 12345 }`)))
	if !json.Valid([]byte(a)) || strings.Contains(a, "12345}") || strings.ReplaceAll(b, " ", "") != a {
		t.Errorf("%s, %s", a, b)
	}
}

func TestURL(t *testing.T) {
	r := New(withSecrets("s3cr3t-client", "pass word"))
	for address, want := range map[string]string{
		"https://h/device?user_code=WDJB-MJHT":        "https://h/device?user_code=WDJB-MJHT",
		"https://h/cb?access_token=a&state=s#token=b": "https://h/cb?access_token=" + r.Mark("a") + "&state=s#token=" + r.Mark("b"),
		"https://me:pw@h:80/x":                        "https://me:" + r.Mark("pw") + "@h:80/x",
		"/device":                                     "/device",
		"":                                            "",
	} {
		if got := r.URL(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// echoes are the forms in which a target could repeat a secret.
var echoes = map[string]func(string) string{
	"plain":         func(s string) string { return s },
	"in a sentence": func(s string) string { return "your secret is " + s + "." },
	"percent":       func(s string) string { return "q=" + url.QueryEscape(s) },
	"all percent": func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			fmt.Fprintf(&b, "%%%02x", c)
		}
		return b.String()
	},
	"percent twice":    func(s string) string { return url.QueryEscape(url.QueryEscape("+" + s)) },
	"hex":              func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":              func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":           func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 of a pair": func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte("tv-app:"+s)) },
	"base64url":        func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("??" + s + "??")) },
	"base64 of JSON":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte(`{"a":` + quoted(s) + `}`)) },
	"JSON escapes": func(s string) string {
		var b strings.Builder
		for _, c := range s {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		return `{"echo":"` + b.String() + `"}`
	},
	"JSON in JSON":  func(s string) string { return `{"echo":` + quoted(`{"inner":`+quoted(s)+`}`) + `}` },
	"HTML entities": func(s string) string { return "<p>" + html.EscapeString("<"+s+">") + "</p>" },
	"numeric entities": func(s string) string {
		var b strings.Builder
		for _, c := range s {
			fmt.Fprintf(&b, "&#x%x;", c)
		}
		return "<p>" + b.String() + "</p>"
	},
	"backwards":          backwards,
	"a script":           func(s string) string { return "<script>var s = " + quoted(s) + ";</script>" },
	"an attribute":       func(s string) string { return `<a data-x="` + html.EscapeString(s) + `">x</a>` },
	"a member's name":    func(s string) string { return `{` + quoted(s) + `:1}` },
	"an array":           func(s string) string { return `[[` + quoted(s) + `]]` },
	"a path":             func(s string) string { return "https://h/" + url.PathEscape(s) + "/x" },
	"a header's comment": func(s string) string { return "max-age=0, x=" + s },
}

// TestEchoes: a secret of the profile, and a token, in every form.
func TestEchoes(t *testing.T) {
	const client, password, token = "cl13nt/S3cr3t+Ab9", "correct horse", "gho_16C7e42F292c6912E7710c83"
	r := New(withSecrets(client, password))
	r.Learn(nil, []byte(`{"access_token":"`+token+`"}`))
	for name, form := range echoes {
		for _, secret := range []string{client, password, token, "swordfish-user"} {
			text := form(secret)
			got := r.Content(text)
			if !strings.Contains(got, "[redacted:") {
				t.Errorf("%s of %s: %s", name, secret, got)
			}
			if leaked := readable(got); strings.Contains(leaked, secret) {
				t.Errorf("%s of %s: %s still says it", name, secret, got)
			}
		}
	}
}

// readable undoes the encodings of a text, so that a test does not look for one
// form only.
func readable(s string) string {
	s += " " + html.UnescapeString(s) + " " + percentDecoded(percentDecoded(s)) + " " + jsonDecoded(jsonDecoded(s)) + " " + backwards(s)
	for _, run := range base64Runs.FindAllString(s, -1) {
		s += " " + strings.Join(fromBase64(run), " ")
	}
	for _, run := range hexRuns.FindAllString(s, -1) {
		s += " " + strings.Join(fromHex(run), " ")
	}
	return s
}

// TestShortSecrets: from three characters on a secret of the profile is hidden
// in a text, where nothing continues it; a shorter one where it stands alone.
func TestShortSecrets(t *testing.T) {
	r := New(withSecrets("s3c", "x"))
	for text, want := range map[string]string{
		"the s3c, s3c!":          "the " + r.Mark("s3c") + ", " + r.Mark("s3c") + "!",
		"s3cret":                 "s3cret",
		`{"echo":"s3c"}`:         `{"echo":"` + r.Mark("s3c") + `"}`,
		`{"echo":"x","y":"x y"}`: `{"echo":"` + r.Mark("x") + `","y":"x y"}`,
		"q=" + "czNj":            "q=" + r.Mark("s3c"),
		"client_secret=s3c&a=b":  "client_secret=" + r.Mark("s3c") + "&a=b",
		"a box of boxes":         "a box of boxes",
	} {
		if got := r.Content(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestShownValues: what people are shown is no secret because a cookie has the
// same value; what a token is stays one.
func TestShownValues(t *testing.T) {
	const code = "A1B2C3D4E5F6G7H8"
	r := New(&profiles.Profile{})
	r.Learn(http.Header{"Set-Cookie": {"last=" + code}}, []byte(`{"user_code":"`+code+`"}`))
	if got := r.Text("the code " + code); got != "the code "+code {
		t.Error(got)
	}
	r = New(&profiles.Profile{})
	r.Learn(nil, []byte(`{"user_code":"`+code+`","access_token":"`+code+`"}`))
	if got := r.Text("the code " + code); strings.Contains(got, code) {
		t.Error(got)
	}
}

// TestDialect: a target's own names for tokens are those of secrets.
func TestDialect(t *testing.T) {
	r := New(&profiles.Profile{Responses: profiles.Responses{Members: map[string]string{"access_token": "ticket"}}})
	if got := string(r.Body([]byte(`{"ticket":"a","other":"a"}`))); got != `{"ticket":"`+r.Mark("a")+`","other":"a"}` {
		t.Error(got)
	}
}

// TestHeadersWithSecrets: of the profile's own headers and parameters.
func TestHeadersWithSecrets(t *testing.T) {
	p := &profiles.Profile{}
	p.Request.Token.Headers = map[string]profiles.Secret{"X-Gateway": profiles.NewSecret("open sesame")}
	p.Verification.Hook = &profiles.Hook{Headers: map[string]profiles.Secret{"X-Hook": profiles.NewSecret("abracadabra")}}
	p.Expiry = &profiles.Expiry{Client: &profiles.Client{ID: "brief", Secret: secretOf("brief-secret")}}
	r := New(p)
	for _, secret := range []string{"open sesame", "abracadabra", "brief-secret"} {
		if got := r.Header(http.Header{"X-Any": {secret}}).Get("X-Any"); got != r.Mark(secret) {
			t.Error(got)
		}
	}
}

// TestBounded: a target that sends a thousand cookies with each answer costs
// neither minutes nor the values of the cookies.
func TestBounded(t *testing.T) {
	r := New(&profiles.Profile{})
	var all []http.Header
	for i := range 100 {
		h := http.Header{}
		for k := range 1000 {
			h.Add("Set-Cookie", fmt.Sprintf("c%d=v4lu3W1thD1g1ts%06d", k, i*1000+k))
		}
		all = append(all, h)
		r.Learn(h, nil)
	}
	if len(r.drawn) > maxValues {
		t.Errorf("%d values are kept", len(r.drawn))
	}
	for _, h := range all {
		for _, cookie := range r.Header(h).Values("Set-Cookie") {
			if strings.Contains(cookie, "v4lu3") {
				t.Fatalf("%s is written", cookie)
			}
		}
	}
}

func TestMarksDifferBetweenRuns(t *testing.T) {
	if a, b := New(&profiles.Profile{}).Mark("the same"), New(&profiles.Profile{}).Mark("the same"); a == b || !IsMark(a) {
		t.Errorf("%s and %s: a guess could be checked against a report", a, b)
	}
}

// TestDeepTexts: what is nested for ever is read as far as that makes sense, and
// in no time.
func TestDeepTexts(t *testing.T) {
	r := New(withSecrets("cl13nt/S3cr3t+Ab9", "correct horse"))
	for name, body := range map[string]string{
		"forms":   strings.Repeat("a=", 100_000),
		"URLs":    strings.Repeat("http://h/?a=x:", 15_000),
		"numbers": "[" + strings.Repeat("1,", 100_000) + "1]",
		"arrays":  strings.Repeat("[", 200_000),
		"quotes":  strings.Repeat(`"\\\"`, 50_000),
		"tags":    strings.Repeat("<a href=", 20_000),
	} {
		began := time.Now()
		h := http.Header{"Location": {body}, "X": {body}}
		r.Learn(h, []byte(body))
		r.Body([]byte(body))
		r.Header(h)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s took %s: the cost grows with the square of the length, or worse", name, took)
		} else {
			t.Logf("%s: %s", name, took)
		}
	}
}

// TestNone: a run without redaction changes nothing.
func TestNone(t *testing.T) {
	r := None()
	h := http.Header{"Cookie": {"a=b"}}
	r.Learn(h, []byte("access_token=a"))
	if string(r.Body([]byte("access_token=a"))) != "access_token=a" || r.Header(h).Get("Cookie") != "a=b" || r.Text("a") != "a" || r.URL("?token=a") != "?token=a" {
		t.Error("something was redacted")
	}
}

// FuzzBody: redaction ends, keeps JSON JSON, and hides a token wherever it stands.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"a":"%s","access_token":["%s"]}`))
	f.Add([]byte(`<input name=token value=%s>`))
	f.Add([]byte("a=%s&access_token=%zz"))
	f.Add([]byte("\"\\u0061%s"))
	r := New(withSecrets("cl13nt/S3cr3t+Ab9", "correct horse"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := r.Body(body)
		if json.Valid(body) != json.Valid(got) {
			t.Errorf("%q became %q", body, got)
		}
		if strings.Contains(string(got), "cl13nt/S3cr3t+Ab9") {
			t.Errorf("%q became %q", body, got)
		}
	})
}

// TestNearMissesAreHidden: a wrong secret that is sent gives most of the right one
// away, whatever the target makes of it.
func TestNearMissesAreHidden(t *testing.T) {
	for _, secret := range []string{"Xk29dLq0ZbT7wPmR4sVn8HfYc3", "correct-horse-battery"} {
		right := profiles.NewSecret(secret)
		r := New(&profiles.Profile{Clients: profiles.Clients{Confidential: &profiles.Client{ID: "conf", Secret: &right}}})
		cut, misspelt := right.NearMisses()
		if cut == "" || misspelt == secret {
			t.Fatalf("%q has the near misses %q and %q", secret, cut, misspelt)
		}
		for _, sent := range []string{cut, misspelt, secret} {
			said := r.Text(`wrong secret "` + sent + `" for conf`)
			if strings.Contains(said, secret[:6]) {
				t.Errorf("%q is written as %q", sent, said)
			}
		}
	}
}
