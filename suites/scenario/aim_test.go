package scenario

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// apart is n stories of one label each.
func apart(format string, n int) string {
	var b strings.Builder
	for k := 1; k <= n; k++ {
		fmt.Fprintf(&b, format+"\n", k)
	}
	return b.String()
}

// answered is an answer to a poll.
func answered(status int, body string) wire.Exchange {
	return wire.Exchange{N: 1, Status: status, Response: &wire.Message{Body: []byte(body)}}
}

// TestAimFindsTheMoment: a server whose decision takes effect at some moment and
// whose polls read what they later write back. On a machine that is some
// milliseconds late now and then, the aimed polls fall into that window.
func TestAimFindsTheMoment(t *testing.T) {
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	for _, test := range []struct {
		name                             string
		reaction, moment, window, answer time.Duration
		late                             time.Duration // at most
		hits                             int           // of 30 rounds, on average
		first                            time.Duration // by how much the first page is later
	}{
		{"quick", ms(3), ms(1), ms(2), ms(3), ms(0.3), 11, 0},
		{"a page that takes a while", ms(40), ms(18), ms(2), ms(5), ms(1), 6, 0},
		{"a small window in a long poll", ms(60), ms(20), ms(1.5), ms(15), ms(1), 2, 0},
		{"a browser that settles slowly", ms(900), ms(25), ms(2), ms(4), ms(1), 6, 0},
		{"a busy machine", ms(150), ms(60), ms(6), ms(20), ms(8), 4, 0},
		{"a browser", ms(80), ms(38), ms(2), ms(3), ms(6), 2, 0},
		{"seen after the page", ms(5), ms(9), ms(2), ms(3), ms(0.5), 9, 0},
		{"a first page that is late", ms(6), ms(3), ms(2), ms(4), ms(1), 8, ms(570)},
		{"a first page that is late, seen after the page", ms(5), ms(9), ms(2), ms(3), ms(0.5), 8, ms(100)},
	} {
		t.Run(test.name, func(t *testing.T) {
			const seeds = 200
			hits := 0
			for seed := range uint64(seeds) {
				random := rand.New(rand.NewPCG(seed, 1))
				jitter := func() time.Duration { return time.Duration(random.Float64() * float64(test.late)) }
				// The page of a browser is late by much, one time in six.
				hiccup := func() time.Duration {
					if test.late > ms(1) && random.IntN(6) == 0 {
						return 5 * jitter()
					}
					return 0
				}
				a := newAim(random.Float64)
				for k := range 30 {
					first, second := a.next()
					at := []time.Duration{first + jitter(), second + jitter()}
					slices.Sort(at)
					moment := test.moment + jitter() + hiccup()
					reaction := test.reaction
					if k == 0 {
						moment, reaction = moment+test.first/2, reaction+test.first
					}
					a.reacted(reaction)
					for i, sent := range at {
						switch {
						case sent >= moment:
							a.heard(sent, test.answer, answered(200, `{"access_token":"x"}`))
						case i > 0:
							a.heard(sent, test.answer, answered(400, `{"error":"slow_down"}`))
						default:
							a.heard(sent, test.answer, answered(400, `{"error":"authorization_pending"}`))
							if moment-sent < test.window {
								hits++
							}
						}
					}
				}
			}
			if hits < seeds*test.hits {
				t.Errorf("%d hits in %d runs", hits, seeds)
			}
		})
	}
}

// TestAimIsBounded: no answer sends the polls far away.
func TestAimIsBounded(t *testing.T) {
	a := newAim(func() float64 { return 0.5 })
	a.reacted(time.Hour)
	for range 10 {
		a.heard(0, time.Hour, answered(400, `{"error":"authorization_pending"}`))
	}
	for range 100 {
		if first, second := a.next(); first < -maxPoll || second < first || second > 2*maxReaction+maxPoll {
			t.Errorf("%v and %v", first, second)
		}
	}
	before := *a
	a.heard(0, 0, answered(400, `{"error":"slow_down"}`))
	a.heard(0, 0, wire.Exchange{Failure: &wire.Failure{Kind: wire.FailTimeout}})
	if a.at != before.at || a.step != before.step {
		t.Errorf("moved to %v by %v", a.at, a.step)
	}
}
