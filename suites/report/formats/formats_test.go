package formats

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// nasty tries to leave every format: markup, commands of a build server, control
// characters that XML forbids, an escape sequence, a change of direction.
const nasty = "]]></failure><script>x</script>|`*_[a](javascript:x) www.evil.example @admin\n::error::forged\r\n##[error]forged \x00\x1b[31m\u202e%0A::set-output name=a::b"

// run has a check of each outcome, with hostile texts.
func run() report.Result {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	finding := func(severity rules.Verdict, code string) []rules.Finding {
		return []rules.Finding{{Code: code, Severity: severity, Expected: "as the text says", Observed: "something else " + nasty, Exchanges: []rules.Ref{{Scenario: "approval", N: 1}}}}
	}
	check := func(id, section string, level rules.Level, v rules.Verdict, f []rules.Finding) report.Check {
		return report.Check{ID: id, Section: section, Source: "RFC 8628 section " + section, Level: level, Title: "The title of " + id, Verdict: v, Reason: "because " + id, Scenario: "approval", DurationMS: 250, Findings: f}
	}
	r := report.Result{
		Schema: report.Schema, Tool: report.Tool{Version: "v1.2.3"}, Started: at, Finished: at.Add(time.Second), DurationMS: 1000,
		Target: report.Target{Name: "A server " + nasty, Kind: "simulated", Fidelity: "a personality", Version: "7.1", Profile: "mine", ProfileFile: "ci/my server.yaml"},
		Notes:  []string{"a note " + nasty},
		Checks: []report.Check{
			check("DA-01", "3.1", rules.Must, rules.Pass, nil),
			check("DA-02", "3.1", rules.Must, rules.Fail, append(finding(rules.Fail, "first"), finding(rules.Fail, "first")...)),
			check("DA-03", "3.1", rules.Should, rules.Warn, finding(rules.Warn, "soft")),
			check("POLL-01", "3.5", rules.Must, rules.Inconclusive, nil),
			check("POLL-02", "3.5", rules.Must, report.Known, finding(rules.Fail, "old")),
			check("POLL-03", "3.5", rules.Must, report.Fixed, nil),
			check("POLL-04", "3.5", rules.May, rules.Info, finding(rules.Info, "figure")),
			check("SEC-01", "5", rules.Must, rules.NA, nil),
			check("SEC-02", "5", rules.Must, rules.Skip, nil),
			check("SEC-03", "5", rules.Must, rules.Broken, nil),
		},
		Scenarios: []report.Scenario{{Transcript: transcript.Transcript{Scenario: "approval", Exchanges: []wire.Exchange{
			{N: 1, Label: "poll/1", Method: "POST", URL: "https://idp.example.com/token?a=b", Proto: "HTTP/1.1", Status: 400, Sent: time.Second, Received: time.Second + 5*time.Millisecond,
				Request:  wire.Message{Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: wire.Bytes("grant_type=x&device_code=" + nasty)},
				Response: &wire.Message{Header: http.Header{"Content-Type": {"application/json"}}, Body: wire.Bytes(`{"error":"slow_down"}`)}},
			{N: 2, Label: "poll/2", Method: "POST", URL: ":not a url", Failure: &wire.Failure{Kind: wire.FailReset, Text: nasty}},
			{N: 3, Label: "poll/3", Method: "GET", URL: "https://idp.example.com/", Status: 200, Response: &wire.Message{Body: wire.Bytes{0xff, 0xfe}}},
		}}}, {}},
	}
	r.Checks[4].Deviation = &report.Deviation{Expect: "fail", Code: "old", Reason: "ticket 7 " + nasty, Link: "https://tracker.example.com/7", Line: 12}
	r.Checks[5].Deviation = &report.Deviation{Expect: "fail", Reason: "mended", Line: 14}
	r.Counts = report.Count(r.Checks)
	r.ExitCode = report.ExitCode(r, r.Policy)
	return r
}

func bytesOf(t *testing.T, write func(io.Writer, report.Result) error, r report.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	har := func(w io.Writer, r report.Result) error { return HAR(w, r, r.Scenarios[0]) }
	for name, write := range map[string]func(io.Writer, report.Result) error{
		"junit.xml": JUnit, "report.sarif": SARIF, "gitlab.json": GitLab, "annotations.txt": Annotations, "report.md": Markdown, "approval.har": har,
	} {
		got, path := bytesOf(t, write, run()), filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs (-update writes it anew):\n%s", path, got)
		}
		// JSON escapes what would harm, and a HAR keeps the bodies as they were.
		if i := bytes.IndexAny(got, "\x00\x1b\u202e"); i >= 0 && name != "approval.har" {
			t.Errorf("%s has a control character at %d", name, i)
		}
	}
}

// results are what the validators look at.
func results(t *testing.T) map[string]report.Result {
	t.Helper()
	all := map[string]report.Result{"hostile": run(), "empty": {}}
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "recordings", "runs", "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded runs: %v", err)
	}
	for _, file := range files {
		r, err := report.Read(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = r
	}
	return all
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip("skipped: " + what)
}

// TestSARIFKeepsItsSchema asks the OASIS schema, as the library carries it.
func TestSARIFKeepsItsSchema(t *testing.T) {
	for name, r := range results(t) {
		log, err := sarif.FromBytes(bytesOf(t, SARIF, r))
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	log, err := sarif.FromBytes(bytesOf(t, SARIF, run()))
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]int{}
	for _, x := range log.Runs[0].Results {
		if len(x.Suppressions) == 0 {
			levels[x.Level]++
		}
		if rule := log.Runs[0].Tool.Driver.Rules[x.RuleIndex]; *rule.ID != *x.RuleID {
			t.Errorf("%s points at the rule %s", *x.RuleID, *rule.ID)
		}
	}
	if got := fmt.Sprint(levels); got != "map[error:3 none:3 warning:1]" {
		t.Errorf("levels %s", got)
	}
}

// TestJUnitKeepsItsSchema asks xmllint and the schema of Jenkins.
func TestJUnitKeepsItsSchema(t *testing.T) {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		missing(t, "xmllint is not installed: make setup")
	}
	for name, r := range results(t) {
		path := filepath.Join(t.TempDir(), "junit.xml")
		if err := os.WriteFile(path, bytesOf(t, JUnit, r), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.Command(xmllint, "--nonet", "--noout", "--schema", filepath.Join("..", "..", "..", "testdata", "schemas", "jenkins-junit.xsd"), path).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%.2000s", name, err, said)
		}
	}
}

// TestJUnitOutcomes reads the file back as a build server would.
func TestJUnitOutcomes(t *testing.T) {
	r := run()
	for _, policy := range []report.Policy{{}, {Strict: true, AllowInconclusive: true}} {
		r.Policy = policy
		var read struct {
			Suites []struct {
				Cases []struct {
					Name    string    `xml:"name,attr"`
					Failure *struct{} `xml:"failure"`
					Error   *struct{} `xml:"error"`
					Skipped *struct{} `xml:"skipped"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal(bytesOf(t, JUnit, r), &read); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		seen := map[string]bool{}
		for _, s := range read.Suites {
			for _, c := range s.Cases {
				if seen[c.Name] {
					t.Errorf("two cases are called %s", c.Name)
				}
				seen[c.Name] = true
				switch {
				case c.Failure != nil:
					got.WriteByte('F')
				case c.Error != nil:
					got.WriteByte('E')
				case c.Skipped != nil:
					got.WriteByte('S')
				default:
					got.WriteByte('.')
				}
			}
		}
		want := ".F.E.F.SSE"
		if policy.Strict {
			want = ".FF..F.SSE"
		}
		if got.String() != want {
			t.Errorf("%+v: %s, want %s", policy, got.String(), want)
		}
	}
}

// TestHARKeepsItsSchema asks har-schema, of whoever reads HAR in npm.
func TestHARKeepsItsSchema(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "testdata", "strangers", "node_modules", "har-schema", "lib")
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		missing(t, "har-schema is not installed: make setup")
	}
	c := jsonschema.NewCompiler()
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		doc.(map[string]any)["$id"] = "https://har.example/" + name
		if err := c.AddResource("https://har.example/"+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile("https://har.example/har.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range results(t) {
		for _, s := range r.Scenarios {
			var b bytes.Buffer
			if err := HAR(&b, r, s); err != nil {
				t.Fatal(err)
			}
			tree, err := jsonschema.UnmarshalJSON(&b)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(tree); err != nil {
				t.Errorf("%s, %s: %v", name, s.Transcript.Scenario, err)
			}
		}
	}
	if schema.Validate(map[string]any{"log": map[string]any{}}) == nil {
		t.Error("the schema accepts anything")
	}
}

// TestAnnotations: a line of the target's never becomes a command, and no more
// is said than GitHub shows.
func TestAnnotations(t *testing.T) {
	r := run()
	for i := range 30 {
		c := r.Checks[1]
		c.ID = fmt.Sprintf("DA-%d", 50+i)
		r.Checks = append(r.Checks, c)
	}
	count := map[string]int{}
	for _, l := range strings.Split(strings.TrimSpace(string(bytesOf(t, Annotations, r))), "\n") {
		kind, _, _ := strings.Cut(strings.TrimPrefix(l, "::"), " ")
		count[kind]++
		if !strings.HasPrefix(l, "::error ") && !strings.HasPrefix(l, "::warning ") || strings.Contains(l, "\r") {
			t.Errorf("a line that is no annotation of ours: %q", l)
		}
	}
	if count["error"] != maxAnnotations || count["warning"] != 1 {
		t.Errorf("annotations: %v", count)
	}
	if got := string(bytesOf(t, Annotations, run())); !strings.Contains(got, "file=ci/my server.yaml,line=14,title=POLL-03 fixed%3A") {
		t.Errorf("the stale entry's line is not named:\n%s", got)
	}
}

func TestStepSummary(t *testing.T) {
	r := run()
	for range 8000 {
		r.Checks = append(r.Checks, r.Checks[1])
	}
	got := bytesOf(t, StepSummary, r)
	if len(got) > maxSummary || !bytes.HasSuffix(got, []byte("Truncated: see result.json.\n")) {
		t.Errorf("%d bytes that end with %q", len(got), got[len(got)-60:])
	}
}

// TestGitLab: fingerprints tell issues apart, and stay when what is observed changes.
func TestGitLab(t *testing.T) {
	prints := func(r report.Result) (list []string) {
		var issues []codeQuality
		if err := json.Unmarshal(bytesOf(t, GitLab, r), &issues); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, i := range issues {
			if seen[i.Fingerprint] || i.Location.Path == "" || i.Location.Lines.Begin < 1 || i.Severity == "" {
				t.Errorf("%+v", i)
			}
			seen[i.Fingerprint] = true
			list = append(list, i.Fingerprint)
		}
		return list
	}
	a, b := run(), run()
	b.Checks[1].Findings[0].Observed = "another thing"
	if x, y := fmt.Sprint(prints(a)), fmt.Sprint(prints(b)); x != y || len(prints(a)) != 6 {
		t.Errorf("%d issues\n%s\n%s", len(prints(a)), x, y)
	}
}
