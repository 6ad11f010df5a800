package report

import (
	"fmt"
	"slices"

	"github.com/devicegrant/devicegrant/loadgen"
)

// tile is one figure at the top of the page. Class colours it; its words say
// the same.
type tile struct{ Name, Figure, Note, Class string }

// tiles are the figures that matter, the question of the reader first.
func tiles(r loadgen.Result) []tile {
	var out []tile
	if r.Capacity != nil {
		out = append(out, capacityTile(*r.Capacity))
	}
	return append(out, devicesTile(r), pollsTile(r), latencyTile(r), slowDownTile(r.SlowDown), ledgerTile(r.Ledger), latenessTile(r), durationTile(r))
}

func capacityTile(c loadgen.Capacity) tile {
	t := tile{Name: "Capacity", Figure: count(c.Devices) + " devices", Note: rate(c.Polls) + " polls/s"}
	switch {
	case c.BrokeDevices > 0:
		t.Note += fmt.Sprintf("; broke at %s", count(c.BrokeDevices))
	case c.Bound != "":
		t.Note += "; nothing broke, so the limit may be higher"
	}
	return t
}

func devicesTile(r loadgen.Result) tile {
	d := r.Devices
	t := tile{Name: "Devices polling at once", Figure: nothing}
	if d.Started > 0 {
		t.Figure = count(d.Peak)
		t.Note = fmt.Sprintf("%s started, %s got a token", count(d.Started), count(d.Tokens))
	}
	return t
}

func pollsTile(r loadgen.Result) tile {
	t := tile{Name: "Polls answered", Figure: nothing}
	if r.Rates.PollsIntended > 0 || r.Rates.PollsAnswered > 0 {
		t.Figure = rate(r.Rates.PollsAnswered) + " /s"
		t.Note = fmt.Sprintf("%s/s intended, %s/s sent", rate(r.Rates.PollsIntended), rate(r.Rates.PollsSent))
	}
	return t
}

func latencyTile(r loadgen.Result) tile {
	t := tile{Name: "Poll latency, p99", Figure: nothing, Note: "from the intended send time"}
	i := slices.IndexFunc(r.Latencies, func(l loadgen.Latency) bool { return l.Kind == "poll" && l.Answer == "" })
	if i >= 0 && r.Latencies[i].Count > 0 {
		l := r.Latencies[i]
		t.Figure = millis(l.P99MS)
		t.Note = fmt.Sprintf("from the intended send time; p50 %s, max %s", millis(l.P50MS), millis(l.MaxMS))
	}
	return t
}

func slowDownTile(s loadgen.SlowDown) tile {
	t := tile{Name: "slow_down to compliant devices", Figure: nothing}
	if s.Obedient.Polls > 0 {
		t.Figure = share(s.Obedient.Share)
		t.Note = fmt.Sprintf("%s of %s polls, %s devices", count(s.Obedient.SlowDowns), count(s.Obedient.Polls), count(s.ObedientDevices))
		t.Class = "good"
		if s.Obedient.SlowDowns > 0 {
			t.Class = "doubt"
		}
	}
	return t
}

func ledgerTile(l loadgen.Ledger) tile {
	t := tile{Name: "Token ledger", Figure: nothing, Note: fmt.Sprintf("%s approved, %s tokens", count(l.Approved), count(l.Tokens))}
	switch {
	case len(l.Violations) > 0:
		broken := 0
		for _, v := range l.Violations {
			broken += v.Count
		}
		t.Figure, t.Class = "broken", "bad"
		t.Note = fmt.Sprintf("%s violations; ", count(broken)) + t.Note
	case l.Clean && l.Replayed > 0:
		t.Figure, t.Class = "replayed", "doubt"
		t.Note = fmt.Sprintf("%s answers gave a token again; ", count(l.Replayed)) + t.Note
	case l.Clean && l.Starved > 0:
		t.Figure, t.Class = "starved", "doubt"
		t.Note = fmt.Sprintf("%s devices got nothing but slow_down; ", count(l.Starved)) + t.Note
	case l.Clean:
		t.Figure, t.Class = "clean", "good"
	}
	return t
}

func latenessTile(r loadgen.Result) tile {
	t := tile{Name: "Generator lateness, p99", Figure: nothing}
	if r.Generator.Lateness.Count == 0 {
		return t
	}
	t.Figure, t.Note, t.Class = millis(r.Generator.Lateness.P99MS), "on time", "good"
	if invalid(r) {
		t.Note, t.Class = "too late", "doubt"
	}
	return t
}

func durationTile(r loadgen.Result) tile {
	t := tile{Name: "Measured", Figure: nothing}
	if from, to := window(r); to > from {
		t.Figure = span(to - from)
	}
	if r.EndedS > 0 {
		t.Note = "of " + span(r.EndedS) + " in total"
	}
	return t
}
