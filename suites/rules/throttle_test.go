package rules

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

func TestThrottlePicture(t *testing.T) {
	throttle := Throttle{IntervalMS: 5000, Devices: []ThrottleDevice{
		{Name: "early", Polls: []ThrottlePoll{{6000, "pending"}, {9000, "slow_down"}, {12500, "slow_down"}}},
		{Name: "a device with a long name", Polls: []ThrottlePoll{{2, "pending"}, {302, "slow_down"}, {21400, "pending"}}},
		{Name: "limited", Polls: []ThrottlePoll{{0, "pending"}, {40, "limited"}, {5000, "other"}}},
		{Name: "silent"},
	}}
	want := `
               0              5              10             15             20 s
               |--------------|--------------|--------------|--------------|----
early                            o        x         x
a device wit   ox                                                              o
limited        !              ?
silent
o authorization_pending   x slow_down   ! 429 or 503   ? another answer
`[1:]
	if got := throttle.Picture(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestThrottlePictureFits whatever a recording of somebody else says.
func TestThrottlePictureFits(t *testing.T) {
	for _, interval := range []float64{-1, 0, 1e-9, 1, 5000, 3.6e6, 1e300} {
		for _, at := range []float64{-1e300, -1, 0, 1, 5000, 1e12, 1e300} {
			throttle := Throttle{IntervalMS: interval, Devices: []ThrottleDevice{{Name: strings.Repeat("é", 100), Polls: []ThrottlePoll{{at, "pending"}, {at / 2, "slow_down"}}}}}
			for line := range strings.Lines(throttle.Picture()) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > pictureWidth {
					t.Errorf("interval %g, poll at %g: %d columns: %s", interval, at, n, line)
				}
			}
		}
	}
}

// TestThrottleSurvivesARecording: what is kept in a result tells the same as
// the run itself did.
func TestThrottleSurvivesARecording(t *testing.T) {
	said := recorded(t).Transcripts[transcript.Throttle]
	live, ok := MeasureThrottle(said)
	if !ok || live.Class != ThrottleEscalating || live.CountedFrom != fromAny || live.FirstPoll {
		t.Fatalf("the reference server: %s", live)
	}
	b, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	var again transcript.Transcript
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if judged, _ := MeasureThrottle(again); !reflect.DeepEqual(judged, live) {
		t.Errorf("judged again: %s\nlive: %s", judged, live)
	}
}

// TestThrottleIsBounded: a hostile recording makes neither the figures nor the
// picture large.
func TestThrottleIsBounded(t *testing.T) {
	var said transcript.Transcript
	for i := range 2000 {
		name := strings.Repeat("d", i%300+1)
		x := wire.Exchange{N: i + 1, Label: name + "/device", Status: 200, Sent: time.Duration(i), Response: &wire.Message{Body: wire.Bytes(`{"device_code":"x","interval":1e308}`)}}
		said.Exchanges = append(said.Exchanges, x)
		x.Label, x.Status, x.Response = name+"/probe", 400, &wire.Message{Body: wire.Bytes(`{"error":"slow_down"}`)}
		said.Exchanges = append(said.Exchanges, x)
	}
	throttle, _ := MeasureThrottle(said)
	if n := len(throttle.Devices); n > maxThrottleDevices {
		t.Errorf("%d devices", n)
	}
	if throttle.Class != ThrottleFirst && throttle.Class != ThrottleUnclear {
		t.Errorf("class %s", throttle.Class)
	}
}
