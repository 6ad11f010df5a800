package suites

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// hostileValues are what a target could send in place of any value: a word of
// ours, a quote, a control character, markup.
var hostileValues = []string{"authorization_pending", `"`, "\x01", `</script><b a="1">`}

// place is where a string stands in a recording. The values of one place are
// replaced together, and each kind of exchange counts once: poll/1 and poll/2 are
// the same.
type place struct{ scenario, label, where string }

// TestRedactionChangesNoVerdict: a result as it is written is judged as the
// evidence was in the run, whatever a target sends. Each string of each recording
// is replaced by each of the hostile values, wherever it stands.
func TestRedactionChangesNoVerdict(t *testing.T) {
	share, of := redactionSample(t)
	files, err := filepath.Glob(filepath.Join("..", "testdata", "recordings", "runs", "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json.gz"), func(t *testing.T) {
			t.Parallel()
			recording, err := report.Read(file, nil)
			if err != nil {
				t.Fatal(err)
			}
			p := newProperty(t, recording)
			values := p.values()
			tried := 0
			for i, value := range slices.Sorted(maps.Keys(values)) {
				if i%of != share {
					continue
				}
				for _, hostile := range hostileValues {
					tried++
					p.check(t, value, hostile, values[value])
				}
			}
			t.Logf("%d of %d strings, %d judgements compared", tried/len(hostileValues), len(values), p.compared)
			if p.compared == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}

// redactionSample is which share of the strings is tried: by turns of the
// commits, all of them with DEVICEGRANT_TEST_SAMPLE=all, and fewer where nobody
// says.
func redactionSample(t *testing.T) (share, of int) {
	const parts = 48
	sample := os.Getenv("DEVICEGRANT_TEST_SAMPLE")
	if sample == "all" {
		return 0, 1
	}
	if sample == "" {
		return 0, 4 * parts
	}
	n, err := strconv.Atoi(sample)
	if err != nil {
		t.Fatalf("DEVICEGRANT_TEST_SAMPLE: %v", err)
	}
	return n % parts, parts
}

// property is one recording with what it takes to judge it.
type property struct {
	result    report.Result
	profile   *profiles.Profile
	endpoints profiles.Endpoints
	all       map[string]transcript.Transcript
	// redactor is the same for all strings, and written has the conversations as it
	// leaves them: those without the string at hand need not be redacted again.
	redactor *redact.Redactor
	written  map[string]report.Scenario
	compared int
}

func newProperty(t *testing.T, recording report.Result) *property {
	profile, err := profiles.FromRecord(recording.Recorded.Profile)
	if err != nil {
		t.Fatal(err)
	}
	endpoints, err := profiles.EndpointsFromRecord(recording.Recorded.Endpoints)
	if err != nil {
		t.Fatal(err)
	}
	p := &property{result: recording, profile: profile, endpoints: endpoints, all: map[string]transcript.Transcript{}}
	for _, s := range recording.Scenarios {
		p.all[s.Scenario] = s.Transcript
	}
	p.forget(t)
	return p
}

// forget begins with a redactor that has learned from the recording only.
func (p *property) forget(t *testing.T) {
	t.Helper()
	p.redactor, p.written = redact.New(p.profile), map[string]report.Scenario{}
	for _, s := range p.roundTrip(t, p.result, p.evidence(p.all)).Scenarios {
		p.written[s.Scenario] = s
	}
}

func (p *property) evidence(all map[string]transcript.Transcript) rules.Evidence {
	return rules.Evidence{Profile: p.profile, Issuer: p.result.Target.Issuer, Endpoints: p.endpoints, Transcripts: all}
}

// roundTrip writes a result as a run does, and reads it.
func (p *property) roundTrip(t *testing.T, r report.Result, e rules.Evidence) (read report.Result) {
	t.Helper()
	written, err := json.Marshal(asWritten(r, e, p.redactor))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(written, &read); err != nil {
		t.Fatal(err)
	}
	read.Recorded.Unredacted, read.Recorded.Browser = false, ""
	return read
}

var digits = regexp.MustCompile(`[0-9]+`)

// values are the strings of the recording, one for each place, with the scenarios
// in which they stand.
func (p *property) values() map[string][]string {
	seen := map[place]bool{}
	chosen := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(p.all)) {
		eachString(p.all[name], func(label, where, value string) string {
			at := place{name, digits.ReplaceAllString(label, "#"), where}
			if value != "" && !seen[at] {
				seen[at] = true
				chosen[value] = nil
			}
			return value
		})
	}
	for name, t := range p.all {
		eachString(t, func(_, _, value string) string {
			if list, ok := chosen[value]; ok && !slices.Contains(list, name) {
				chosen[value] = append(list, name)
			}
			return value
		})
	}
	return chosen
}

// check replaces a value and compares the judgement of the evidence with that of
// the written result.
func (p *property) check(t *testing.T, value, hostile string, scenarios []string) {
	t.Helper()
	changed := maps.Clone(p.all)
	r := p.result
	r.Scenarios = nil
	for _, name := range scenarios {
		changed[name] = eachString(p.all[name], func(_, _, v string) string {
			if v == value {
				return hostile
			}
			return v
		})
	}
	var concerned []rules.Rule
	needed := map[string]bool{}
	for _, rule := range rules.All() {
		names := rule.Reads()
		if slices.ContainsFunc(names, func(name string) bool { return slices.Contains(scenarios, name) }) {
			concerned = append(concerned, rule)
			for _, name := range names {
				needed[name] = true
			}
		}
	}
	evidence := p.evidence(map[string]transcript.Transcript{})
	for name := range needed {
		if told, ok := changed[name]; ok {
			evidence.Transcripts[name] = told
			if slices.Contains(scenarios, name) {
				r.Scenarios = append(r.Scenarios, report.NewScenario(told))
			}
		}
	}
	by := judgedBy{driver: r.Target.Driver, noBaseline: true, now: r.Started}
	live := map[string]report.Check{}
	r.Checks = nil
	for _, rule := range concerned {
		check := by.judge(rule, within(evidence, rule))
		live[rule.ID] = check
		r.Checks = append(r.Checks, check)
	}

	read := p.roundTrip(t, r, evidence)
	for name := range needed {
		if s, ok := p.written[name]; ok && !slices.Contains(scenarios, name) {
			read.Scenarios = append(read.Scenarios, s)
		}
	}
	again, err := Judge(read, report.Policy{}, true)
	if err != nil {
		t.Fatalf("%q for %q: %v", hostile, value, err)
	}
	if p.redactor.Text(hostile) != hostile {
		p.forget(t) // it stood where a secret belongs, and would be one in every other place
	}
	for _, is := range again.Checks {
		p.compared++
		if was := live[is.ID]; is.Verdict != was.Verdict || fmt.Sprint(codesOf(is)) != fmt.Sprint(codesOf(was)) {
			t.Errorf("%q for %q (%s): %s is %s (%s) %v, in the run it was %s (%s) %v", hostile, value, strings.Join(scenarios, ", "),
				is.ID, is.Verdict, is.Reason, codesOf(is), was.Verdict, was.Reason, codesOf(was))
		}
	}
}

func within(e rules.Evidence, rule rules.Rule) rules.Evidence {
	all := e.Transcripts
	e.Transcripts = map[string]transcript.Transcript{}
	for _, name := range rule.Reads() {
		if told, ok := all[name]; ok {
			e.Transcripts[name] = told
		}
	}
	return e
}

func codesOf(c report.Check) (list []string) {
	for _, f := range c.Findings {
		list = append(list, f.Code)
	}
	return list
}

// eachString returns a copy of a transcript in which each string of the exchanges
// and the pages is what change makes of it.
func eachString(t transcript.Transcript, change func(label, where, value string) string) transcript.Transcript {
	t.Exchanges = slices.Clone(t.Exchanges)
	for i := range t.Exchanges {
		x := &t.Exchanges[i]
		x.Request = messageWith(x.Request, func(where, value string) string { return change(x.Label, "request "+where, value) })
		if x.Response != nil {
			response := messageWith(*x.Response, func(where, value string) string { return change(x.Label, "response "+where, value) })
			x.Response = &response
		}
	}
	t.Journeys = slices.Clone(t.Journeys)
	for i := range t.Journeys {
		j := &t.Journeys[i]
		j.Steps = slices.Clone(j.Steps)
		for k := range j.Steps {
			s := &j.Steps[k]
			s.Title = change(s.Page, "title", s.Title)
			s.Alert = change(s.Page, "alert", s.Alert)
			s.Text = change(s.Page, "text", s.Text)
			s.URL = change(s.Page, "url", s.URL)
		}
	}
	return t
}

func messageWith(m wire.Message, change func(where, value string) string) wire.Message {
	h := http.Header{}
	for name, values := range m.Header {
		for _, value := range values {
			if name == "Set-Cookie" || name == "Cookie" {
				cookie, rest, _ := strings.Cut(value, "=")
				inner, _, _ := strings.Cut(rest, ";")
				value = strings.Replace(value, cookie+"="+inner, cookie+"="+change("cookie "+cookie, inner), 1)
			} else {
				value = change("header "+name, value)
			}
			h[name] = append(h[name], value)
		}
	}
	m.Header = h
	switch {
	case strings.HasPrefix(string(bytes.TrimSpace(m.Body)), "{"):
		m.Body = jsonWith(m.Body, change)
	case strings.Contains(m.Header.Get("Content-Type"), "form"):
		var fields []string
		for field := range strings.SplitSeq(string(m.Body), "&") {
			name, value, found := strings.Cut(field, "=")
			if plain, err := url.QueryUnescape(value); found && err == nil {
				if hostile := change("field "+name, plain); hostile != plain {
					field = name + "=" + url.QueryEscape(hostile)
				}
			}
			fields = append(fields, field)
		}
		m.Body = wire.Bytes(strings.Join(fields, "&"))
	}
	return m
}

var (
	literal = regexp.MustCompile(`"(?:[^"\\]|\\.)*"(?:\s*:)?`)
)

// jsonWith changes the strings of a JSON text that are no names of members.
func jsonWith(body wire.Bytes, change func(where, value string) string) wire.Bytes {
	name := ""
	return literal.ReplaceAllFunc(body, func(found []byte) []byte {
		var value string
		if bytes.HasSuffix(found, []byte(":")) {
			name = string(found)
			return found
		}
		if json.Unmarshal(found, &value) != nil {
			return found
		}
		hostile := change("member "+name, value)
		if hostile == value {
			return found
		}
		b, err := json.Marshal(hostile)
		if err != nil {
			return found
		}
		return b
	})
}
