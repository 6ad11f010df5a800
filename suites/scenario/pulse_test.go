package scenario

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

func failing(kind wire.FailureKind) wire.Exchange {
	return wire.Exchange{Failure: &wire.Failure{Kind: kind, Text: string(kind)}}
}

func answering(status int, header ...string) wire.Exchange {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return wire.Exchange{Status: status, Response: &wire.Message{Header: h}}
}

// TestPulse: when the target is asked once more, what its answer means, and how
// long that takes.
func TestPulse(t *testing.T) {
	silent, refused, dead := failing(wire.FailTimeout), failing(wire.FailRefused), failing(wire.FailReset)
	for _, test := range []struct {
		name  string
		heard []wire.Exchange
		// answers are those to the plain requests, in turn.
		answers []wire.Exchange
		lost    string // in the reason; "" is not lost
		within  time.Duration
	}{
		{"two silences", []wire.Exchange{silent, silent}, nil, "", 0},
		{"an answer between", []wire.Exchange{silent, silent, answering(400), silent, dead}, nil, "", 0},
		{"our own doing", []wire.Exchange{failing(wire.FailHungUp), failing(wire.FailCanceled), failing(wire.FailTLS), failing(wire.FailProtocol)}, nil, "", 0},
		{"silent, and there again", []wire.Exchange{silent, dead, silent}, []wire.Exchange{answering(200)}, "", 0},
		{"silent", []wire.Exchange{silent, silent, silent}, []wire.Exchange{silent}, "no longer answers", 0},
		{"restarted", []wire.Exchange{dead, refused, refused}, []wire.Exchange{refused, answering(503), answering(200)}, "", reviveAfter + usualPause},
		{"gone", []wire.Exchange{refused, refused, refused}, []wire.Exchange{refused, refused}, "no longer answers", reviveAfter},
		{"pressed", repeated(mostRefused, answering(429, "Retry-After", "20")), []wire.Exchange{answering(429, "Retry-After", "20"), answering(200)}, "", 20 * time.Second},
		{"pressed for long", repeated(mostRefused, answering(429, "Retry-After", "600")), []wire.Exchange{answering(429, "Retry-After", "600")}, "10m0s", 0},
		{"down", repeated(mostRefused, answering(503)), []wire.Exchange{answering(503), answering(503)}, "even after a pause", usualPause},
		{"refuses, then silent", repeated(mostRefused, answering(503)), []wire.Exchange{answering(503), silent}, "no longer answers", usualPause},
		{"refuses one kind of request", repeated(mostRefused, answering(429)), []wire.Exchange{answering(200)}, "", 0},
		{"slow_down is no refusal", repeated(mostRefused, wire.Exchange{Status: 429, Response: &wire.Message{Body: wire.Bytes(`{"error":"slow_down"}`)}}), nil, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				asked := 0
				p := &pulse{end: cancel, announce: func(string, time.Duration) {}, now: func() time.Duration { return time.Since(began) },
					ask: func(context.Context) wire.Exchange {
						if asked == len(test.answers) {
							t.Error("asked once too often")
							return answering(200)
						}
						asked++
						return test.answers[asked-1]
					}}
				for _, x := range test.heard {
					p.heard(ctx, x)
				}
				err := p.wait(ctx)
				lost, _ := p.verdict()
				if (lost != "") != (test.lost != "") || !strings.Contains(lost, test.lost) {
					t.Errorf("lost: %q, want %q", lost, test.lost)
				}
				if (err != nil) != (test.lost != "") || (ctx.Err() != nil) != (test.lost != "") {
					t.Errorf("the next request: %v; the run: %v", err, ctx.Err())
				}
				if asked != len(test.answers) {
					t.Errorf("asked %d times, want %d", asked, len(test.answers))
				}
				if took := time.Since(began); took != test.within || took > time.Minute {
					t.Errorf("took %s, want %s", took, test.within)
				}
			})
		})
	}
}

func repeated(n int, x wire.Exchange) (list []wire.Exchange) {
	for range n {
		list = append(list, x)
	}
	return list
}

// TestWithoutTheDead: only what met nobody after the last answer is taken back.
func TestWithoutTheDead(t *testing.T) {
	at := func(x wire.Exchange, when time.Duration) wire.Exchange { x.Received = when; return x }
	said := transcript.Transcript{Exchanges: []wire.Exchange{
		at(failing(wire.FailTimeout), 1), at(answering(200), 3), at(failing(wire.FailTimeout), 4), at(failing(wire.FailHungUp), 5), at(answering(503), 6),
	}}
	p := &pulse{lost: "gone", alive: 3}
	kinds := ""
	for _, x := range p.withoutTheDead(said).Exchanges {
		kind := "answered"
		if x.Failure != nil {
			kind = string(x.Failure.Kind)
		}
		kinds += kind + " "
	}
	if kinds != "timeout answered canceled hung up answered " {
		t.Error(kinds)
	}
	if said.Exchanges[2].Failure.Kind != wire.FailTimeout {
		t.Error("the recording itself was changed")
	}
}

// TestRetryAfter: seconds, or a date by the target's own clock.
func TestRetryAfter(t *testing.T) {
	for _, test := range []struct {
		header []string
		want   time.Duration
		asked  bool
	}{
		{nil, defaultRetryAfter, false},
		{[]string{"Retry-After", "600"}, 600 * time.Second, true},
		{[]string{"Retry-After", " 7 "}, 7 * time.Second, true},
		{[]string{"Retry-After", "soon"}, defaultRetryAfter, false},
		{[]string{"Retry-After", "-1"}, defaultRetryAfter, false},
		{[]string{"Retry-After", "Mon, 30 Nov 2026 07:30:20 GMT", "Date", "Mon, 30 Nov 2026 07:30:00 GMT"}, 20 * time.Second, true},
		{[]string{"Retry-After", "Mon, 30 Nov 2026 07:30:00 GMT", "Date", "Mon, 30 Nov 2026 07:31:00 GMT"}, 0, true},
		{[]string{"Retry-After", "4294967295"}, 24 * time.Hour, true},
	} {
		if got, asked := retryAfter(answering(429, test.header...)); got != test.want || asked != test.asked {
			t.Errorf("%v: %s, %t", test.header, got, asked)
		}
	}
}
