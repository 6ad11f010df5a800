package rules

import (
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
)

// Recording is a run's evidence in a file, which can be judged again without
// the server.
type Recording struct {
	Issuer      string                  `json:"issuer"`
	Endpoints   profiles.Endpoints      `json:"endpoints"`
	Transcripts []transcript.Transcript `json:"scenarios"`
}

// Evidence returns the recording as evidence for rules.
func (r Recording) Evidence(p *profiles.Profile) Evidence {
	e := Evidence{Profile: p, Issuer: r.Issuer, Endpoints: r.Endpoints, Transcripts: map[string]transcript.Transcript{}}
	for _, t := range r.Transcripts {
		e.Transcripts[t.Scenario] = t
	}
	return e
}
