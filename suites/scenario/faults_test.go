package scenario

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// parts are what a request is made of: its parameters in order, wherever they
// stand, and everything else by a name in brackets. What is made up anew in each
// request is given a word for it.
func parts(x wire.Exchange) map[string][]string {
	made := map[string][]string{"[method]": {x.Method}}
	u, err := url.Parse(x.URL)
	if err != nil {
		return nil
	}
	made["[at]"] = []string{u.Scheme + "://" + u.Host + u.Path}
	for name, values := range x.Request.Header {
		made["["+name+"]"] = values
	}
	form, _ := url.ParseQuery(string(x.Request.Body)) // as far as it is a form
	for name, values := range form {
		made[name] = values
	}
	for name, values := range u.Query() {
		made["?"+name] = values
	}
	return made
}

// differences are what a request has otherwise than its control, as
// "-name" for what is absent, "+name" for what is added, "name=value" for what
// has another value, and "2*name" for what is repeated. Names that are drawn by
// lot end in "...".
func differences(control, x wire.Exchange) string {
	was, is := parts(control), parts(x)
	names := maps.Clone(was)
	maps.Copy(names, is)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, after := was[name], is[name]
		shown := name
		if strings.HasPrefix(name, "x_h_") || strings.HasPrefix(name, "x-h.") {
			shown = name[:4] + "..."
		}
		switch {
		case slices.Equal(before, after):
		case len(after) == 0:
			list = append(list, "-"+shown)
		case len(before) == 0:
			list = append(list, "+"+shown)
		case len(after) > len(before):
			list = append(list, fmt.Sprintf("%d*%s", len(after), shown))
		default:
			list = append(list, shown+"="+after[0])
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestFaults: a request with a fault differs from its control in that fault,
// and in nothing else. "…" stands for whatever comes there.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		scenario, control string
		faults            map[string]string
	}{
		{transcript.DeviceErrors, "control/public", map[string]string{
			"method/GET":           "+?client_id +?scope -[Content-Type] -client_id -scope [method]=GET",
			"method/PUT":           "+?client_id +?scope -[Content-Type] -client_id -scope [method]=PUT",
			"method/HEAD":          "+?client_id +?scope -[Content-Type] -client_id -scope [method]=HEAD",
			"query/parameters":     "+?client_id +?scope -client_id -scope",
			"type/text":            "[Content-Type]=text/plain",
			"type/json":            "+{…} -client_id -scope [Content-Type]=application/json",
			"type/multipart":       "-client_id -scope [Content-Type]=multipart/form-data; boundary=…",
			"type/none":            "-[Content-Type]",
			"type/charset":         "[Content-Type]=application/x-www-form-urlencoded; charset=UTF-8",
			"client/absent":        "-client_id",
			"client/empty":         "client_id=",
			"client/unknown":       "client_id=x-devicegrant-…",
			"repeat/same client":   "2*client_id",
			"repeat/other client":  "2*client_id",
			"repeat/scope":         "2*scope",
			"unknown/added":        "+x-h.... +x_h_... +x_h_...",
			"scope/absent":         "-scope",
			"scope/empty":          "scope=",
			"control/public again": "",
			"accept/code/any":      "[Accept]=*/*",
			"accept/code/none":     "-[Accept]",
			"accept/absent/any":    "-client_id [Accept]=*/*",
		}},
		{transcript.DeviceErrors, "control/confidential", map[string]string{
			"query/no secret": "+client_id -[Authorization]",
			"query/secret":    "+?client_secret +client_id -[Authorization]",
		}},
		{transcript.Scopes, "control", map[string]string{
			"unknown":          "scope=openid profile email zz_…",
			"forbidden":        "scope=openid profile email admin",
			"malformed/quotes": `scope="x\y`,
			"malformed/spaces": "scope=  openid  profile  email",
			"malformed/case":   "scope=OPENID PROFILE EMAIL",
		}},
		{transcript.ClientIdentity, "control/confidential", map[string]string{
			"unauthenticated":  "+client_id -[Authorization]",
			"basic/other form": "+client_id",
			"both/methods":     "+client_id +client_secret",
			// The public client, which has other scopes.
			"both/failed basic": "+client_id [Authorization]=Basic …",
			"two/clients":       "+client_id",
		}},
		{transcript.HostHeaders, "control", map[string]string{
			"host/Host":             "+[Host]",
			"host/X-Forwarded-Host": "+[X-Forwarded-Host]",
			"host/Forwarded":        "+[Forwarded]",
		}},
		{transcript.TokenErrors, "control", map[string]string{
			"grant_type/absent":         "-grant_type device_code=…",
			"grant_type/empty":          "device_code=… grant_type=",
			"grant_type/device_code":    "device_code=… grant_type=device_code",
			"grant_type/upper case":     "device_code=… grant_type=URN:IETF:PARAMS:OAUTH:GRANT-TYPE:DEVICE_CODE",
			"grant_type/trailing space": "device_code=… grant_type=" + GrantType + " ",
			"grant_type/legacy":         "device_code=… grant_type=http://oauth.net/grant_type/device/1.0",
			"grant_type/random":         "device_code=… grant_type=urn:x-devicegrant:…",
			"device_code/absent":        "-device_code",
			"device_code/empty":         "device_code=",
			"unknown/random":            "device_code=…",
			"unknown/truncated":         "device_code=…",
			"unknown/long":              "device_code=xxxx…",
			"unknown/NUL":               "device_code=x\x00…",
			"repeat/grant_type":         "2*grant_type device_code=…",
			"repeat/device_code":        "2*device_code",
			"repeat/two codes":          "2*device_code",
			"repeat/client_id":          "2*client_id device_code=…",
			"repeat/two clients":        "2*client_id device_code=…",
			"extra/parameter":           "+x_h_... device_code=…",
			"extra/without":             "device_code=…",
			"accept/pending/any":        "[Accept]=*/* device_code=…",
			"accept/unknown/none":       "-[Accept] device_code=…",
			"accept/control":            "-client_id device_code=…",
		}},
		{transcript.ClientErrors, "right/device", map[string]string{
			"wrong/device": "[Authorization]=Basic …",
			"wrong/body":   "+client_id +client_secret -[Authorization]",
			"wrong/basic":  "+client_id +client_secret [Authorization]=Basic …",
			"right/after":  "",
		}},
		{transcript.ClientErrors, "right/token", map[string]string{"wrong/token": "[Authorization]=Basic … device_code=…"}},
		{transcript.TokenTransport, "redeem", map[string]string{
			"method/GET":    "+?client_id +?device_code +?grant_type -[Content-Type] -client_id -device_code -grant_type [method]=GET",
			"method/PUT":    "[method]=PUT",
			"query/code":    "+?device_code -device_code",
			"variant/token": "+x_h_... +x_h_... [Content-Type]=application/x-www-form-urlencoded; charset=UTF-8 device_code=…",
		}},
		{transcript.TokenTransport, "device", map[string]string{
			"variant/device": "+x_h_... +x_h_... [Content-Type]=application/x-www-form-urlencoded; charset=UTF-8",
		}},
		{transcript.HostileSizes, "parameter/token/grant_type/plain", map[string]string{
			"parameter/token/grant_type/NUL": "grant_type=…\x00…",
			"parameter/token/grant_type/FF":  "grant_type=…\xff…",
		}},
		{transcript.TokenTransport, "secret/right", map[string]string{
			"secret/none":  "+client_id -[Authorization]",
			"secret/query": "+?client_secret +client_id -[Authorization]",
		}},
		{transcript.TokenTransport, "types/control", map[string]string{
			"type/text":    "[Content-Type]=text/plain",
			"type/none":    "-[Content-Type]",
			"type/charset": "[Content-Type]=application/x-www-form-urlencoded; charset=UTF-8",
			"types/after":  "",
		}},
		{transcript.UnprovenClient, "public/redeem", map[string]string{"public/absent": "-client_id", "public/failed basic": "+[Authorization]"}},
		{transcript.UnprovenClient, "confidential/redeem", map[string]string{
			"confidential/secretless": "+client_id -[Authorization]",
			"confidential/wrong":      "[Authorization]=Basic …",
			"confidential/foreign":    "+client_id -[Authorization]",
		}},
		{transcript.ForeignClient, "approved/owner", map[string]string{"approved/foreign": "client_id=second-tv", "approved/stranger": "client_id=x-devicegrant-…"}},
		{transcript.ForeignClient, "pending/owner", map[string]string{"pending/foreign": "client_id=second-tv", "pending/stranger": "client_id=x-devicegrant-…"}},
		{transcript.ForeignClient, "denied/owner", map[string]string{"denied/foreign": "client_id=second-tv"}},
		{transcript.Tenants, "approved/owner", map[string]string{
			"approved/our client":   "[at]=http://scripted/there/token",
			"approved/their client": "[at]=http://scripted/there/token client_id=their-tv",
		}},
		{transcript.Extensions, "pkce/right", map[string]string{"pkce/wrong": "code_verifier=…", "pkce/missing": "-code_verifier"}},
		{transcript.Extensions, "parameters/control", map[string]string{
			"parameters/OIDC":        "+acr_values +max_age +nonce",
			"parameters/request_uri": "+request_uri",
			"resource/relative":      "+resource",
			"resource/device":        "+resource",
			"details/malformed":      "+authorization_details",
			"details/device":         "+authorization_details",
			"pkce/device":            "+code_challenge +code_challenge_method",
			"dpop/device":            "",
		}},
		{transcript.Extensions, "dpop/nonce", map[string]string{
			"dpop/plain":           "[Dpop]=…",
			"dpop/bad/two headers": "2*[Dpop]",
		}},
		{transcript.Refresh, "binding/owner/1", map[string]string{
			"binding/foreign": "client_id=second-tv refresh_token=…",
			"binding/larger":  "+scope refresh_token=…",
		}},
		{transcript.Refresh, "replay/first", map[string]string{"replay/second": "", "replay/current": "refresh_token=…", "replay/after": "refresh_token=…"}},
		{transcript.TokenUse, "partial/device", map[string]string{"default/device": "-scope", "empty/device": "scope=", "full/device": "scope=openid profile email", "unknown/device": "scope=openid profile email x-devicegrant-…"}},
		{transcript.TokenUse, "narrowed/token", map[string]string{"partial/widened": "+scope device_code=…", "access token as device code": "device_code=access-token-…"}},
		{transcript.HostileSizes, "control", map[string]string{
			"plain/client_id":  "client_id=…",
			"plain/scope":      "scope=…",
			"size/scope":       "scope=…xxx…more bytes)",
			"size/parameters":  "+x_h_...…",
			"bytes/NUL":        "scope=…\x00…",
			"bytes/FF":         "scope=…\xff…",
			"bytes/CRLF":       "scope=…\r\nX-…: …",
			"markup/client_id": `client_id="'><…>`,
			"markup/scope":     `scope="'><…>`,
			"control again":    "",
		}},
	} {
		t.Run(test.scenario+"/"+test.control, func(t *testing.T) {
			said := usual(test.scenario).one(t, test.scenario)
			control, ok := said.First(test.control)
			if !ok {
				t.Fatal("the control was not sent")
			}
			for label, want := range test.faults {
				x, ok := said.First(label)
				if !ok || x.Label != label && !strings.HasPrefix(x.Label, label+"/") {
					t.Errorf("%s was not sent", label)
					continue
				}
				if got := differences(control, x); !fits(want, got) {
					t.Errorf("%s differs in %q, want %q", label, got, want)
				}
			}
		})
	}
}

// fits says that a text is a pattern in which "…" stands for anything.
func fits(pattern, text string) bool {
	pieces := strings.Split(pattern, "…")
	if len(pieces) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, pieces[0]) || !strings.HasSuffix(text, pieces[len(pieces)-1]) {
		return false
	}
	at := 0
	for _, piece := range pieces {
		found := strings.Index(text[at:], piece)
		if found < 0 {
			return false
		}
		at += found + len(piece)
	}
	return true
}

// TestWrongCodesAreNear: a device code that must not be known is one character
// away from one that is.
func TestWrongCodesAreNear(t *testing.T) {
	said := usual(transcript.TokenErrors).one(t, transcript.TokenErrors)
	issued, _ := said.First("device/unknown")
	live := stringIn(issued, "device_code")
	code := func(label string) string { x, _ := said.First(label); return x.Form().Get("device_code") }
	for label, want := range map[string]string{
		"unknown/truncated": live[:len(live)-2], "unknown/case swapped": caseSwapped(live), "unknown/space added": live + " ", "unknown/long": strings.Repeat("x", 10<<10),
	} {
		if got := code(label); got != want || got == live {
			t.Errorf("%s: %q beside %q", label, got, live)
		}
	}
	differ := 0
	for i, c := range code("unknown/changed") {
		if byte(c) != live[i] {
			differ++
		}
	}
	if differ != 1 {
		t.Errorf("%q differs from %q in %d places", code("unknown/changed"), live, differ)
	}
	if random := code("unknown/random"); random == live || len(random) != len(live) || strings.Count(random, "-") != strings.Count(live, "-") {
		t.Errorf("%q is not of the shape of %q", random, live)
	}
}

// TestNearCodesOfOddShapes: codes that leave nothing to change do not stay as
// they are.
func TestNearCodesOfOddShapes(t *testing.T) {
	for code, want := range map[string][2]string{
		"": {"x", "2"}, "ab": {"abx", "a2"}, "abcdefg==": {"abcde", "abcd2fg=="}, "a2": {"a2x", "a3"}, "----": {"--", "----2"}, "äöüß": {"äö", "äöüß2"},
	} {
		if truncated(code) != want[0] || changed(code) != want[1] {
			t.Errorf("%q: %q and %q, want %q", code, truncated(code), changed(code), want)
		}
	}
}

// TestBodiesOfOtherTypes: they say the same in other words.
func TestBodiesOfOtherTypes(t *testing.T) {
	got := ""
	for _, body := range otherTypes(wire.Form{{Name: "client_id", Value: "a b"}, {Name: "scope", Value: `"é`}}) {
		text := string(body.bytes)
		if body.name == "multipart" {
			text = fmt.Sprint(strings.Contains(text, "name=\"client_id\"\r\n\r\na b\r\n"), strings.Contains(body.mediaType, "multipart/form-data; boundary="))
			body.mediaType = "multipart"
		}
		got += body.name + " (" + body.mediaType + "): " + text + "\n"
	}
	want := `json (application/json): {"client_id":"a b","scope":"\"é"}
text (text/plain): client_id=a+b&scope=%22%C3%A9
multipart (multipart): true true
none (): client_id=a+b&scope=%22%C3%A9
charset (application/x-www-form-urlencoded; charset=UTF-8): client_id=a+b&scope=%22%C3%A9
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestParametersOfTheProfile: what the profile adds to requests is in all of
// them, in those with a fault too, and stands where the endpoint wants it.
func TestParametersOfTheProfile(t *testing.T) {
	for _, name := range []string{transcript.DeviceErrors, transcript.TokenErrors, transcript.Approval, transcript.Expiry, transcript.Fleet} {
		g := usual(name)
		g.profile = func(p *profiles.Profile) {
			addition := profiles.Addition{Params: map[string]profiles.Secret{"audience": profiles.NewSecret("api")}, Headers: map[string]profiles.Secret{"X-Tenant": profiles.NewSecret("t")}}
			p.Request.DeviceAuthorization, p.Request.Token = addition, addition
		}
		said := g.one(t, name)
		if len(said.Exchanges) < 7 {
			t.Errorf("%s: %d exchanges, %q", name, len(said.Exchanges), said.Aborted)
		}
		for _, x := range said.Exchanges {
			path, _, _ := strings.Cut(strings.TrimPrefix(x.URL, g.at.base), "?")
			if path != "/device" && path != "/token" {
				continue
			}
			if x.Request.Header.Get("X-Tenant") != "t" || !strings.Contains(x.URL+string(x.Request.Body), "audience") {
				t.Errorf("%s: %s lacks what the profile adds", name, x.Label)
			}
		}
	}
}

// TestConstantParametersAreReplaced: what the profile adds to every request and
// a probe sets too is there once.
func TestConstantParametersAreReplaced(t *testing.T) {
	constant := func(names ...string) map[string]profiles.Secret {
		params := map[string]profiles.Secret{}
		for _, name := range names {
			params[name] = profiles.NewSecret("constant")
		}
		return params
	}
	ask, poll := constant("code_challenge", "code_challenge_method", "nonce", "max_age", "request_uri"), constant("scope", "code_verifier")
	for _, name := range []string{transcript.Extensions, transcript.TokenUse} {
		g := usual(name)
		g.profile = func(p *profiles.Profile) {
			p.Request.DeviceAuthorization.Params, p.Request.Token.Params = ask, poll
		}
		said := g.one(t, name)
		if len(said.Exchanges) < 7 {
			t.Errorf("%s: %d exchanges, %q", name, len(said.Exchanges), said.Aborted)
		}
		for _, x := range said.Exchanges {
			for parameter, values := range x.Form() {
				if len(values) > 1 {
					t.Errorf("%s: %s has %s twice: %q", name, x.Label, parameter, values)
				}
			}
		}
	}
}
