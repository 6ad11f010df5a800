package loadgen_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/devicegrant/devicegrant/fakeidp"
	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/profiles"
)

// approver decides about devices at the reference server, as a person would.
type approver struct{ idp *fakeidp.Server }

func (a approver) Name() string { return "control" }

func (a approver) Decide(_ context.Context, _ int, d loadgen.Decision) error {
	if d.Approve {
		return a.idp.Approve(d.UserCode, "alice")
	}
	return a.idp.Deny(d.UserCode)
}

// site is the reference server as a target. For a server of your own the profile
// comes from profiles.Load, and the endpoints from its metadata.
func site(idp *fakeidp.Server) *loadgen.Site {
	p := &profiles.Profile{Title: "the reference server"}
	p.Clients.Public = &profiles.Client{ID: "device-public"}
	s, err := loadgen.NewSite(p, profiles.Endpoints{DeviceAuthorization: idp.URL + "/device_authorization", Token: idp.URL + "/token"}, loadgen.SiteOptions{})
	if err != nil {
		log.Fatal(err)
	}
	return s
}

// Ten devices ask for codes, somebody approves all of them, and each gets one
// token. The verdict beside these figures says whether the thresholds held, or
// that the machine was too busy for the run to say anything.
func ExampleRun() {
	idp := fakeidp.NewServer(fakeidp.Config{Interval: time.Second})
	defer idp.Close()

	result, err := loadgen.Run(context.Background(), loadgen.Options{
		Site:     site(idp),
		Approver: approver{idp},
		Plan: profiles.Plan{
			Devices:    10,
			Duration:   2 * time.Second,
			WarmUp:     new(time.Duration),
			Replace:    new(false),
			Phases:     "none",
			Arrival:    profiles.Arrival{Over: 100 * time.Millisecond},
			Approval:   profiles.Approval{ThinkMin: new(100 * time.Millisecond), ThinkMax: new(200 * time.Millisecond)},
			Thresholds: []string{"errors count==0"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range result.Thresholds {
		fmt.Println(t.Text, t.OK)
	}
	fmt.Println("tokens:", result.Devices.Tokens)
	fmt.Println("each device got one:", result.Ledger.Clean)
	// Output:
	// errors count==0 true
	// tokens: 10
	// each device got one: true
}

// The search doubles the devices from From on until the SLO breaks or Most is
// reached, which is the first step here. Result.Capacity has the largest load
// that held, all steps, and what broke.
func ExampleFindCapacity() {
	idp := fakeidp.NewServer(fakeidp.Config{Interval: time.Second})
	defer idp.Close()

	result, err := loadgen.FindCapacity(context.Background(), loadgen.Options{Site: site(idp)}, loadgen.Search{
		SLO:    []string{"poll_latency p(99)<10s"},
		From:   5,
		Most:   5,
		Within: time.Minute,
		Step:   100 * time.Millisecond,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, step := range result.Capacity.Steps {
		fmt.Println(step.Devices, "devices, what broke:", step.Broke)
	}
	// Output:
	// 5 devices, what broke:
}
