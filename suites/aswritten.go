package suites

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/rules"
)

// asWritten is a result as it leaves the run: with the profile, and what rules
// take from the values of secrets, so that it can be judged again, and then
// without any secret. The result itself is not changed.
func asWritten(r report.Result, evidence rules.Evidence, redactor *redact.Redactor) report.Result {
	for _, s := range r.Scenarios {
		report.Learn(redactor, s.Transcript)
	}
	recorded := report.Recorded{}
	if r.Recorded != nil {
		recorded = *r.Recorded
	}
	r.Notes = slices.Clone(r.Notes)
	if err := record(&recorded, evidence, redactor); err != nil {
		r.Notes = append(r.Notes, "the result cannot be judged again: "+err.Error())
		r.Recorded = nil
	} else {
		r.Recorded = &recorded
	}
	for i := range r.Notes {
		r.Notes[i] = redactor.Text(r.Notes[i])
	}
	r.Target.Issuer = redactor.Text(r.Target.Issuer)
	r.Checks, r.Scenarios = slices.Clone(r.Checks), slices.Clone(r.Scenarios)
	for i, c := range r.Checks {
		r.Checks[i] = report.RedactCheck(redactor, c)
	}
	for i, s := range r.Scenarios {
		r.Scenarios[i].Transcript = report.RedactTranscript(redactor, s.Transcript)
	}
	return r
}

// record fills in what the rules need beside the scenarios, each as a tree: no
// secret in it can make other JSON of it.
func record(into *report.Recorded, evidence rules.Evidence, redactor *redact.Redactor) error {
	profile, err := evidence.Profile.Record()
	if err != nil {
		return err
	}
	endpoints, err := evidence.Endpoints.Record()
	if err != nil {
		return err
	}
	facts, err := json.Marshal(derive(evidence, redactor.Mark))
	if err != nil {
		return fmt.Errorf("recording facts before redaction: %w", err)
	}
	for _, document := range []*json.RawMessage{&profile, &endpoints, (*json.RawMessage)(&facts)} {
		if *document, err = redactor.Tree(*document); err != nil {
			return err
		}
	}
	into.Profile, into.Endpoints, into.Facts = profile, endpoints, rules.Facts{}
	return json.Unmarshal(facts, &into.Facts)
}

// derive notes facts; a fault of ours there costs the facts and nothing else.
func derive(evidence rules.Evidence, mark func(string) string) (f rules.Facts) {
	defer func() {
		if recover() != nil {
			f = rules.Facts{}
		}
	}()
	return rules.Derive(evidence, mark)
}
