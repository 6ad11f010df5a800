package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

const preface = `# Real authorization servers, measured

Eight servers that other people wrote, each run from its public registry on
loopback and judged by devicegrant in headless Chromium or, where a server has no
pages, by a hook. The [Markdown of each server](real-servers/) holds the evidence
behind the cells: what was observed and, of each finding, what was expected and the
exchanges. Nothing
here is a simulation. This page is written by machine from the recorded runs in
[recordings/](recordings/); the arguments come from people, in
` + "`targets/NAME/verdicts.yaml`" + `.

✓ conforms · ✗ violates a binding requirement · ! violates a recommendation, or
is worth fixing · ? could not be decided · i measured, the text leaves it open ·
– does not apply, or the set-up and not the server would answer. A number in
brackets is how many of those verdicts we think wrong ourselves.

`

const objections = `
## Repeat it, and object

` + "```" + `
make servers                  # installs and runs all of them, writes this page
make servers ONLY=keycloak    # one of them
` + "```" + `

How a server is configured is in ` + "`testdata/targets/NAME`" + `: target.yaml, what
starts it and, where it is ours, the small application around a library. If a verdict is
wrong, or a setting is unfair, open an issue with the exchange that shows it, or
change the entry in ` + "`verdicts.yaml`" + `: a verdict that we come to think wrong is
marked as disputed in the table at once, until the rule is mended.

Maintainers hear of severe findings first. Until then the cell says only that
there is one.
`

// table is the page of all servers.
func table(servers []server) string {
	var b strings.Builder
	b.WriteString(preface)
	row := func(head string, cell func(server) string) {
		b.WriteString("| " + head)
		for _, s := range servers {
			b.WriteString(" | " + cell(s))
		}
		b.WriteString(" |\n")
	}
	row("", func(s server) string { return fmt.Sprintf("**%s** %s", s.Title, s.Version) })
	b.WriteString("|---" + strings.Repeat("|---", len(servers)) + "|\n")
	for _, q := range questions {
		row(fmt.Sprintf("%s (%s)", q.asked, q.check), q.answer)
	}
	for _, v := range []rules.Verdict{rules.Pass, rules.Fail, rules.Warn, rules.Inconclusive, rules.Info, rules.NA, rules.Skip} {
		name := string(v)
		if v == rules.NA {
			name = "n/a"
		}
		row("*"+name+"*", func(s server) string {
			if wrong := s.disputed(v); wrong > 0 {
				return fmt.Sprintf("%d (%d)", s.count(v), wrong)
			}
			return fmt.Sprint(s.count(v))
		})
	}
	row("measured on", func(s server) string { return s.date() })

	b.WriteString("\n## How each was configured\n\n")
	for _, s := range servers {
		fmt.Fprintf(&b, "- **%s %s** (%s): %s.", s.Title, s.Version, s.From, strings.TrimSuffix(oneLine(s.Configured), "."))
		if s.Remark != "" {
			fmt.Fprintf(&b, " %s", oneLine(s.Remark))
		}
		if s.Undisclosed && !s.Verdicts.Severe() {
			b.WriteString(" There is a severe finding that this configuration does not show, not yet disclosed.")
		}
		b.WriteString("\n")
	}
	b.WriteString("\n" + loads(servers))
	b.WriteString(objections)
	return b.String()
}

// loads is the table of the load runs.
func loads(servers []server) string {
	var b strings.Builder
	b.WriteString(`## 200 devices for 30 seconds

Each server with the generator on the same small machine, at the rate of 200
devices that poll every five seconds: a sign of life and of correctness under load,
no comparison of speeds. No device polls again after its token, or twice at once, so
a clean ledger says nothing of those rows above.

| | devices with codes | poll p50 | poll p99 | slow_down for the obedient | other answers | tokens | ledger |
|---|---|---|---|---|---|---|---|
`)
	for _, s := range servers {
		r := s.Load
		var p50, p99 float64
		for _, l := range r.Latencies {
			if l.Kind == "poll" && l.Answer == "" {
				p50, p99 = l.P50MS, l.P99MS
			}
		}
		ledger := "clean"
		if !r.Ledger.Clean {
			var broken []string
			for _, v := range r.Ledger.Violations {
				broken = append(broken, fmt.Sprintf("%s: %d", report.Markdown(v.Title), v.Count))
			}
			ledger = strings.Join(broken, ", ")
		}
		if !r.Validity.Valid {
			ledger += " (the generator was late)"
		}
		tokens := fmt.Sprintf("%d of %d approved", r.Ledger.Tokens, r.Ledger.Approved)
		if r.Approvals.Asked == 0 {
			tokens = "none approved"
		}
		fmt.Fprintf(&b, "| %s | %d of %d | %.0f ms | %.0f ms | %d of %d | %s | %s | %s |\n",
			s.Title, r.Devices.Issued, r.Devices.Started, p50, p99,
			r.SlowDown.Obedient.SlowDowns, r.SlowDown.Obedient.Polls, s.otherAnswers(), tokens, ledger)
	}
	return b.String()
}

// otherAnswers are the answers to polls that a patient device does not expect.
func (s server) otherAnswers() string {
	expected := []string{"authorization_pending", "slow_down", "token", "access_denied", "expired_token"}
	var list []string
	for _, r := range s.Load.Requests {
		if r.Kind == "poll" && !slices.Contains(expected, r.Answer) && r.Count > 0 {
			list = append(list, fmt.Sprintf("%s: %d", report.Markdown(r.Answer), r.Count))
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func (s server) count(v rules.Verdict) (n int) {
	for _, c := range s.Run.Checks {
		if c.Verdict == v {
			n++
		}
	}
	return n
}

// disputed is how many of those verdicts are known to be wrong.
func (s server) disputed(v rules.Verdict) (n int) {
	for _, c := range s.Run.Checks {
		if c.Verdict == v && s.wrong(c.ID) != "" {
			n++
		}
	}
	return n
}

// date is the day of the run.
func (s server) date() string { return s.Run.Started.Format(time.DateOnly) }

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
