package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/builtin"
	"github.com/devicegrant/devicegrant/suites/mutation"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/testdata/targets"
)

// The mutants of the reference server were written by those who wrote the
// rules. These were not: a proxy in front of a server changes what is on the
// wire, by operators that know nothing of the rules, at places and with values
// that a seed chooses.

// alteration is one change to one kind of answer.
type alteration struct {
	name string
	// fault: a device or the RFCs would mind. Otherwise the change is harmless.
	fault bool
	place string
	do    func(*altered)
}

// altered is an answer on its way through the proxy.
type altered struct {
	status int
	header http.Header
	body   []byte
	delay  time.Duration
	// cut ends the connection in the middle of the body.
	cut bool
	// first is the first answer of this kind that passed.
	first *altered
}

// placeOf names the kind of an answer; "" for those that stay as they are.
func placeOf(r *http.Request, grantType string, status int, body []byte) string {
	var o struct {
		Error      string `json:"error"`
		DeviceCode string `json:"device_code"`
		Token      string `json:"access_token"`
		Issuer     string `json:"issuer"`
	}
	_ = json.Unmarshal(body, &o) // what is no JSON has no place
	switch {
	case r.Method == http.MethodGet && o.Issuer != "":
		return "metadata"
	case r.Method != http.MethodPost:
		return ""
	case status == 200 && o.DeviceCode != "":
		return "codes"
	case status == 200 && o.Token != "" && strings.HasSuffix(grantType, "device_code"):
		return "token"
	case o.Error == "authorization_pending", o.Error == "slow_down", o.Error == "access_denied":
		return o.Error
	case o.Error != "":
		return "error"
	}
	return ""
}

// members of each kind of answer that a device cannot do without, and those
// that it can.
var members = map[string]struct{ needed, spare []string }{
	"codes":                 {[]string{"device_code", "user_code", "verification_uri", "expires_in"}, []string{"interval", "verification_uri_complete"}},
	"token":                 {[]string{"access_token", "token_type"}, nil},
	"authorization_pending": {[]string{"error"}, []string{"error_description"}},
	"error":                 {[]string{"error"}, []string{"error_description"}},
}

// operators make alterations of a place, with values drawn from a seed.
var operators = []struct {
	name   string
	fault  bool
	places []string
	make   func(r *rand.Rand, place string) func(*altered)
}{
	{"drop a needed member", true, []string{"codes", "token", "error", "authorization_pending"}, func(r *rand.Rand, place string) func(*altered) {
		return onMember(pick(r, members[place].needed), func(string, json.RawMessage) string { return "" })
	}},
	{"retype a needed member", true, []string{"codes", "token", "error", "authorization_pending"}, func(r *rand.Rand, place string) func(*altered) {
		value := pick(r, []string{"null", "true", `["x"]`, `{"x":1}`})
		return onMember(pick(r, members[place].needed), func(name string, _ json.RawMessage) string { return fmt.Sprintf("%q:%s", name, value) })
	}},
	{"rename a needed member", true, []string{"codes", "token", "error", "authorization_pending"}, func(r *rand.Rand, place string) func(*altered) {
		change := pick(r, []func(string) string{strings.ToUpper, func(s string) string { return s + "_" }, func(s string) string { return "x-" + s }})
		return onMember(pick(r, members[place].needed), func(name string, v json.RawMessage) string { return fmt.Sprintf("%q:%s", change(name), v) })
	}},
	{"duplicate a needed member", true, []string{"codes", "token", "error"}, func(r *rand.Rand, place string) func(*altered) {
		return onMember(pick(r, members[place].needed), func(name string, v json.RawMessage) string { return fmt.Sprintf("%q:%s,%q:%s", name, v, name, v) })
	}},
	{"a number as a string", true, []string{"codes"}, func(r *rand.Rand, _ string) func(*altered) {
		return onMember(pick(r, []string{"expires_in", "interval"}), func(name string, v json.RawMessage) string { return fmt.Sprintf(`%q:"%s"`, name, v) })
	}},
	{"nest the object", true, []string{"codes", "token", "error", "authorization_pending"}, func(r *rand.Rand, _ string) func(*altered) {
		name := pick(r, []string{"data", "result", "response"})
		return onBody(func(b []byte) []byte { return fmt.Appendf(nil, "{%q:%s}", name, b) })
	}},
	{"an array around it", true, []string{"codes", "token"}, func(*rand.Rand, string) func(*altered) {
		return onBody(func(b []byte) []byte { return fmt.Appendf(nil, "[%s]", b) })
	}},
	{"another status", true, []string{"codes", "token", "error", "authorization_pending", "access_denied"}, func(r *rand.Rand, place string) func(*altered) {
		choices := []int{200, 403, 422, 500}
		if place == "codes" || place == "token" {
			choices = []int{201, 202, 400, 500}
		}
		status := pick(r, choices)
		return func(a *altered) { a.status = status }
	}},
	{"another media type", true, []string{"codes", "token", "error", "authorization_pending", "metadata"}, func(r *rand.Rand, _ string) func(*altered) {
		value := pick(r, []string{"text/html", "text/plain; charset=utf-8", "application/x-www-form-urlencoded", "application/octet-stream"})
		return func(a *altered) { a.header.Set("Content-Type", value) }
	}},
	{"no media type", true, []string{"codes", "token", "error"}, func(*rand.Rand, string) func(*altered) {
		return func(a *altered) { a.header["Content-Type"] = nil } // not even a sniffed one
	}},
	{"cacheable", true, []string{"codes", "token"}, func(r *rand.Rand, _ string) func(*altered) {
		value := pick(r, []string{"", "public, max-age=600", "no-cache"})
		return func(a *altered) {
			a.header.Del("Cache-Control")
			if value != "" {
				a.header.Set("Cache-Control", value)
			}
		}
	}},
	{"truncate the JSON", true, []string{"codes", "token", "error", "authorization_pending"}, func(r *rand.Rand, _ string) func(*altered) {
		part := 0.2 + 0.7*r.Float64()
		return onBody(func(b []byte) []byte { return b[:int(part*float64(len(b)))] })
	}},
	{"cut the connection", true, []string{"codes", "token"}, func(*rand.Rand, string) func(*altered) {
		return func(a *altered) { a.cut = true }
	}},
	{"text after the JSON", true, []string{"codes", "token", "error"}, func(r *rand.Rand, _ string) func(*altered) {
		tail := pick(r, []string{"<!-- debug -->", "{}", ";"})
		return onBody(func(b []byte) []byte { return append(slices.Clip(b), tail...) })
	}},
	{"UTF-16", true, []string{"codes", "token", "error"}, func(*rand.Rand, string) func(*altered) {
		return onBody(func(b []byte) []byte {
			wide := []byte{0xff, 0xfe}
			for _, c := range b {
				wide = append(wide, c, 0)
			}
			return wide
		})
	}},
	{"a byte order mark", true, []string{"codes"}, func(*rand.Rand, string) func(*altered) {
		return onBody(func(b []byte) []byte { return append([]byte("\ufeff"), b...) })
	}},
	{"compressed without a word", true, []string{"codes", "token"}, func(*rand.Rand, string) func(*altered) { return onBody(zipped) }},
	{"compressed unasked", true, []string{"codes"}, func(*rand.Rand, string) func(*altered) {
		return func(a *altered) { a.body = zipped(a.body); a.header.Set("Content-Encoding", "gzip") }
	}},
	{"replay the first answer", true, []string{"codes"}, func(*rand.Rand, string) func(*altered) {
		return func(a *altered) { a.status, a.header, a.body = a.first.status, a.first.header.Clone(), a.first.body }
	}},
	{"another error", true, []string{"authorization_pending", "access_denied"}, func(r *rand.Rand, place string) func(*altered) {
		other := pick(r, []string{"pending", "server_error", "invalid_request", "authorization_declined"})
		return onBody(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(place), []byte(other)) })
	}},
	{"a quote in the description", true, []string{"error"}, func(r *rand.Rand, _ string) func(*altered) {
		text := pick(r, []string{`"say \"hello\""`, `"naïve"`, `"tab\there"`})
		return setMember("error_description", text)
	}},
	{"a token beside the error", true, []string{"error"}, func(*rand.Rand, string) func(*altered) { return setMember("access_token", `"x"`) }},

	{"drop a spare member", false, []string{"codes", "error", "authorization_pending"}, func(r *rand.Rand, place string) func(*altered) {
		return onMember(pick(r, members[place].spare), func(string, json.RawMessage) string { return "" })
	}},
	{"add a member", false, []string{"codes", "token", "error", "authorization_pending", "metadata"}, func(r *rand.Rand, _ string) func(*altered) {
		return setMember(pick(r, []string{"message", "x_trace", "hint"}), pick(r, []string{`"hello"`, "7", "null", `{"a":[1]}`}))
	}},
	{"add a header", false, []string{"codes", "token", "error", "authorization_pending", "metadata"}, func(r *rand.Rand, _ string) func(*altered) {
		name := pick(r, []string{"X-Request-Id", "Server-Timing", "Strict-Transport-Security"})
		return func(a *altered) { a.header.Set(name, "max-age=1") }
	}},
	{"drop a spare header", false, []string{"codes", "token", "error"}, func(r *rand.Rand, _ string) func(*altered) {
		name := pick(r, []string{"Date", "Vary", "X-Content-Type-Options", "Etag"})
		return func(a *altered) { a.header[name] = nil }
	}},
	{"a charset", false, []string{"codes", "token", "error", "authorization_pending"}, func(r *rand.Rand, _ string) func(*altered) {
		value := pick(r, []string{"application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"})
		return func(a *altered) { a.header.Set("Content-Type", value) }
	}},
	{"more cache directives", false, []string{"codes", "token"}, func(*rand.Rand, string) func(*altered) {
		return func(a *altered) {
			a.header.Set("Cache-Control", "private, no-cache, no-store, must-revalidate, max-age=0")
			a.header.Set("Pragma", "no-cache")
		}
	}},
	{"white space", false, []string{"codes", "token", "error", "authorization_pending"}, func(*rand.Rand, string) func(*altered) {
		return onBody(func(b []byte) []byte {
			var out bytes.Buffer
			_ = json.Indent(&out, b, "\t", "  ") // a body in a place is JSON
			return append(append([]byte("\n "), out.Bytes()...), "\r\n\n"...)
		})
	}},
	{"escape every letter", false, []string{"codes", "token", "error", "authorization_pending"}, func(*rand.Rand, string) func(*altered) {
		return func(a *altered) {
			for name, value := range objectOf(a.body) {
				var s string
				if json.Unmarshal(value, &s) != nil {
					continue
				}
				var b strings.Builder
				for _, c := range s {
					fmt.Fprintf(&b, `\u%04x`, c)
				}
				setMember(name, `"`+b.String()+`"`)(a)
			}
		}
	}},
	{"delay", false, []string{"codes", "token", "authorization_pending"}, func(r *rand.Rand, _ string) func(*altered) {
		delay := time.Duration(50+r.IntN(250)) * time.Millisecond
		return func(a *altered) { a.delay = delay }
	}},
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func onBody(change func([]byte) []byte) func(*altered) {
	return func(a *altered) { a.body = change(a.body) }
}

func objectOf(body []byte) map[string]json.RawMessage {
	var o map[string]json.RawMessage
	_ = json.Unmarshal(body, &o) // nil when it is none
	return o
}

// onMember replaces `"name":value` by what write returns; "" leaves it out.
func onMember(member string, write func(name string, value json.RawMessage) string) func(*altered) {
	return onBody(func(b []byte) []byte {
		o := objectOf(b)
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(o)) {
			text := fmt.Sprintf("%q:%s", name, o[name])
			if name == member {
				text = write(name, o[name])
			}
			if text != "" {
				parts = append(parts, text)
			}
		}
		return []byte("{" + strings.Join(parts, ",") + "}")
	})
}

func setMember(name, value string) func(*altered) {
	return onBody(func(b []byte) []byte {
		o := objectOf(b)
		o[name] = json.RawMessage(value)
		out, _ := json.Marshal(o) // value is JSON
		return out
	})
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // into memory
	_ = w.Close()
	return out.Bytes()
}

// alterations draws n of each operator and place, without repeating one.
func alterations(seed uint64, n int) []alteration {
	r := rand.New(rand.NewPCG(seed, 0))
	var list []alteration
	for _, op := range operators {
		for _, place := range op.places {
			for i := range n {
				name := fmt.Sprintf("%s: %s", place, op.name)
				if i > 0 {
					name += fmt.Sprintf(" (%d)", i+1)
				}
				list = append(list, alteration{name: name, fault: op.fault, place: place, do: op.make(r, place)})
			}
		}
	}
	return list
}

// proxied serves a target with one alteration. Nil alters nothing.
// usual are changes to all answers of a kind, before that.
func proxied(t testing.TB, target func(issuer string) string, change *alteration, usual map[string]func(*altered)) (address string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	address = "http://" + server.Listener.Addr().String()
	base, err := url.Parse(target(address))
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(base)
	// A server may hang up an idle connection just when the next request comes.
	forward.Transport = &http.Transport{DisableKeepAlives: true}
	var (
		mu    sync.Mutex
		first *altered
	)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<22))
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		form, _ := url.ParseQuery(string(body))
		answer := httptest.NewRecorder()
		forward.ServeHTTP(answer, r)
		a := &altered{status: answer.Code, header: answer.Header().Clone(), body: answer.Body.Bytes()}
		place := placeOf(r, form.Get("grant_type"), a.status, a.body)
		if always := usual[place]; always != nil {
			always(a)
		}
		if change != nil && place == change.place {
			mu.Lock()
			if first == nil {
				first = &altered{status: a.status, header: a.header.Clone(), body: slices.Clone(a.body)}
			}
			a.first = first
			mu.Unlock()
			change.do(a)
		}
		time.Sleep(a.delay)
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		maps.Copy(w.Header(), a.header)
		w.WriteHeader(a.status)
		if a.cut {
			_, _ = w.Write(a.body[:len(a.body)/2])
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(a.body)
	})
	server.Start()
	t.Cleanup(server.Close)
	return address
}

// survivors are the faults of which the suite accuses nobody, and why. It must
// not be silent about them either: some check has to be inconclusive.
var survivors = map[string]string{
	"codes: cut the connection": "a lost answer may be the network's fault: inconclusive, and the run does not end green",
	"token: cut the connection": "the same: the code is used up, and nobody can tell whose fault it is",
}

// TestWireFaultsAreSeen: at least nine of ten faults on the wire are held
// against the server, and no harmless change accuses the server.
func TestWireFaultsAreSeen(t *testing.T) {
	if raceEnabled {
		t.Skip("some hundred runs take too long with the race detector; make test runs them without")
	}
	notShort(t, "some hundred and eighty runs")
	// Its runs wait more than they work, so that it can share the machine.
	t.Parallel()
	t.Run("reference server", func(t *testing.T) {
		t.Parallel()
		judgeAlterations(t, alterations(1, 1), 24, func(t testing.TB, change *alteration) (suites.Options, func()) {
			config := fakeidp.DefaultConfig()
			config.ClockRate = mutantsClockRate
			var server *builtin.Server
			address := proxied(t, func(issuer string) string {
				config.Issuer = issuer
				var err error
				if server, err = builtin.Start(config); err != nil {
					t.Fatal(err)
				}
				return "http://" + server.Addr
			}, change, nil)
			t.Cleanup(server.Close)
			return suites.Options{Profile: load(t, "builtin", server.Getenv, address), ClockRate: mutantsClockRate, Browser: "none", Seed: 1, Unredacted: true,
				Select: []string{"3.1", "3.2", "3.4", "3.5", "4"}}, func() {}
		})
	})
	t.Run("oidc-provider", func(t *testing.T) {
		t.Parallel()
		// Its store in memory forgets the oldest of a thousand records, so that
		// many runs at once need many servers.
		const servers, runsOfEach = 8, 3
		pool := make(chan *targets.Server, servers*runsOfEach)
		for range servers {
			server := targets.OIDCProvider(t, targets.Options{})
			for range runsOfEach {
				pool <- server
			}
		}
		// Its metadata does not pass the proxy, since it names the server itself.
		// It names no interval, and does not mind how often it is polled: one second
		// asks the same questions in a third of the time that five take.
		quick := map[string]func(*altered){"codes": setMember("interval", "1")}
		list := slices.DeleteFunc(alterations(2, 1), func(a alteration) bool { return a.place == "metadata" })
		judgeAlterations(t, list, servers*runsOfEach, func(t testing.TB, change *alteration) (suites.Options, func()) {
			server := <-pool
			address := proxied(t, func(string) string { return server.BaseURL }, change, quick)
			getenv := func(name string) string {
				if value, ok := server.Env[name]; ok {
					return value
				}
				return os.Getenv(name)
			}
			p := load(t, server.Profile, getenv, server.BaseURL,
				"discovery=off", "limits.codes=10", "endpoints.device_authorization="+address+"/device/auth", "endpoints.token="+address+"/token")
			return suites.Options{Profile: p, Browser: "none", Seed: 1, Unredacted: true, Select: []string{"3.1", "3.2", "TOKEN-0[12389]", "TOKEN-10", "ERR-*", "POLL-01", "POLL-08", "POLL-13"}}, func() { pool <- server }
		})
	})
}

func load(t testing.TB, name string, getenv func(string) string, baseURL string, set ...string) *profiles.Profile {
	t.Helper()
	p, err := profiles.Load(name, profiles.Options{Set: append([]string{"base_url=" + baseURL}, set...), Getenv: getenv})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// judgeAlterations runs the suite on the unchanged server and on each altered one;
// of those every other by turns.
func judgeAlterations(t *testing.T, list []alteration, parallel int, options func(testing.TB, *alteration) (o suites.Options, done func())) {
	evaluate := func(change *alteration) map[string]report.Check {
		o, done := options(t, change)
		defer done()
		result, err := suites.Run(context.Background(), o)
		if err != nil {
			t.Fatalf("%v: %v", change, err)
		}
		checks := map[string]report.Check{}
		for _, c := range result.Checks {
			checks[c.ID] = c
		}
		return checks
	}
	turn, i := ofEach(t, 2), -1
	list = slices.DeleteFunc(list, func(alteration) bool { i++; return !turn.Has(i) })
	clean := evaluate(nil)
	for _, r := range rules.Catalogue() {
		if c := clean[r.ID]; c.Verdict != rules.Pass && c.Verdict != rules.Skip {
			t.Logf("unchanged: %s %s (%s)", c.ID, c.Verdict, firstLine(c.Reason))
		}
	}
	slots := make(chan struct{}, parallel)
	accused, unjudged := make([][]string, len(list)), make([][]string, len(list))
	judge := func(i int) {
		seen := evaluate(&list[i])
		for _, r := range rules.Catalogue() {
			before, after := clean[r.ID], seen[r.ID]
			said := fmt.Sprintf("%s %s (%s)", r.ID, after.Verdict, firstLine(after.Reason))
			switch {
			case mutation.Accuses(before, after):
				accused[i] = append(accused[i], said)
			case after.Verdict == rules.Inconclusive && before.Verdict != rules.Inconclusive:
				unjudged[i] = append(unjudged[i], said)
			}
		}
	}
	var all sync.WaitGroup
	for i := range list {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			judge(i)
		})
	}
	all.Wait()
	for i, a := range list {
		// What was not judged may be this machine's doing, with so many runs at
		// once: then it is judged alone.
		if !a.fault && len(accused[i]) == 0 && len(unjudged[i]) > 0 {
			t.Logf("judged again: %s: %s", a.name, strings.Join(unjudged[i], "; "))
			accused[i], unjudged[i] = nil, nil
			judge(i)
		}
	}
	faults, seen, harmless := 0, 0, 0
	for i, a := range list {
		switch {
		case !a.fault:
			harmless++
			if trouble := append(accused[i], unjudged[i]...); len(trouble) > 0 {
				t.Errorf("%s is harmless, and accused: %s", a.name, strings.Join(trouble, "; "))
			}
		case len(accused[i]) > 0:
			faults, seen = faults+1, seen+1
			t.Logf("seen: %s: %s", a.name, accused[i][0])
		default:
			faults++
			why, argued := survivors[a.name]
			if !argued || len(unjudged[i]) == 0 {
				t.Errorf("%s is not seen, and survivors does not say why", a.name)
			}
			t.Logf("survives: %s: %s: %s", a.name, why, strings.Join(unjudged[i], "; "))
		}
	}
	t.Logf("%d of %d faults are seen; %d harmless changes", seen, faults, harmless)
	if faults < 25 || seen*10 < faults*9 {
		t.Errorf("%d of %d faults are seen: at least 25 are wanted, and nine of ten", seen, faults)
	}
}
