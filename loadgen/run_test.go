package loadgen

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// TestTwoThousandDevices: ten virtual minutes with nobody to decide. Every
// device polls exactly when the RFC says, so every count is known. The race
// detector has seen what there is to see after three.
func TestTwoThousandDevices(t *testing.T) {
	minutes := 10
	if raced {
		minutes = 3
	}
	synctest.Test(t, func(t *testing.T) {
		const devices, interval = 2000, 5
		v := newVirtual(interval*time.Second, time.Hour)
		r := runVirtual(t, v, profiles.Plan{
			Devices: devices, Duration: time.Duration(minutes) * time.Minute, WarmUp: new(time.Duration), Phases: "none",
			Arrival: profiles.Arrival{Curve: "constant", Over: 5 * time.Second}, Mix: profiles.Mix{Approve: new(0.0), Expire: new(1.0)},
		})
		if r.Verdict != Held {
			t.Errorf("verdict %s: %v", r.Verdict, r.Validity)
		}
		// A device that comes at a polls at a+5, a+10, ... before the end; the wheel
		// rounds up to a millisecond each time, which adds up to 0.12 s at most.
		want := int64(0)
		for i := range devices {
			at := float64(i) / devices * 5
			want += int64((float64(60*minutes) - at) / (interval + 0.0005))
		}
		if got := counted(r, kindPoll, outcomePending); got < want-devices || got > want+devices {
			t.Errorf("%d polls, want about %d", got, want)
		}
		if len(v.polls) != int(counted(r, kindPoll, outcomePending)) {
			t.Errorf("the server saw %d polls, the generator %d", len(v.polls), counted(r, kindPoll, outcomePending))
		}
		if r.SlowDown.Obedient.SlowDowns != 0 || counted(r, kindPoll, outcomeSlowDown) != 0 {
			t.Errorf("slow_down to obedient devices: %+v", r.SlowDown)
		}
		if v.issued != devices || r.Devices.Issued != devices || r.Devices.Waiting != devices {
			t.Errorf("%d codes: %+v", v.issued, r.Devices)
		}
	})
}

// TestLongInterval: devices obey an interval of ten minutes, nobody is called
// punishing, and a run that is too short for it says so.
func TestLongInterval(t *testing.T) {
	plan := profiles.Plan{Devices: 20, Duration: 45 * time.Minute, WarmUp: new(time.Duration), Phases: "none", Mix: profiles.Mix{Approve: new(0.0), Expire: new(1.0)}}
	synctest.Test(t, func(t *testing.T) {
		r := runVirtual(t, newVirtual(10*time.Minute, 3*time.Hour), plan)
		if n := counted(r, kindPoll, outcomePending); n != 4*20 || r.SlowDown.Obedient.SlowDowns != 0 || r.SlowDown.Class == classPunishing || len(r.Notes) != 0 {
			t.Errorf("%d polls, %+v, notes %q", n, r.SlowDown, r.Notes)
		}
	})
	plan.Duration = 15 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		r := runVirtual(t, newVirtual(10*time.Minute, 3*time.Hour), plan)
		if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "every 10m0s") {
			t.Errorf("notes %q", r.Notes)
		}
	})
}

// speechless is an approver whose decisions are made, and who is shown a page that
// says nothing of it.
type speechless struct{ *virtual }

func (s speechless) Decide(ctx context.Context, person int, d Decision) error {
	if err := s.virtual.Decide(ctx, person, d); err != nil {
		return err
	}
	return errors.New("the journey ended: error page")
}

// TestDecisionsThatTheDevicesSaw: a decision counts that its device heard of,
// whatever the page after it was.
func TestDecisionsThatTheDevicesSaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(5*time.Second, time.Hour)
		plan := profiles.Plan{Devices: 40, Duration: 2 * time.Minute, WarmUp: new(time.Duration), Phases: "none", Mix: profiles.Mix{Approve: new(0.5), Deny: new(0.5)}}
		r, err := Run(t.Context(), Options{Plan: plan, Site: v.site(t), Approver: speechless{v}, dial: v.dial, Records: t.TempDir() + "/records.bin"})
		if err != nil {
			t.Fatal(err)
		}
		if a := r.Approvals; a.Done == 0 || a.Failed > a.Done/10 {
			t.Errorf("%d decisions made and %d failed", a.Done, a.Failed)
		}
		if d := r.Devices; d.Approved == 0 || d.Denied == 0 || !r.Ledger.Clean {
			t.Errorf("%+v, %+v", d, r.Ledger)
		}
	})
}
