package loadgen

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// TestWorkloads: every shipped plan can be carried out.
func TestWorkloads(t *testing.T) {
	for _, name := range Workloads() {
		p, err := Workload(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if settled, _, err := settle(p); err != nil || settled.Workload != name || len(settled.Thresholds) == 0 {
			t.Errorf("%s: %v %+v", name, err, settled)
		}
	}
	if _, err := Workload("stady"); err == nil || !strings.Contains(err.Error(), "steady") {
		t.Errorf("%v", err)
	}
}

// TestPlansThatCannotBe are refused with what is wrong.
func TestPlansThatCannotBe(t *testing.T) {
	for want, change := range map[string]func(*profiles.Plan){
		"leaves nothing": func(p *profiles.Plan) { p.WarmUp = new(time.Hour) },
		"more than 1":    func(p *profiles.Plan) { p.Mix = profiles.Mix{Approve: new(0.8), Deny: new(0.8)} },
		"add up to more": func(p *profiles.Plan) { p.Impatient.Share, p.Greedy.Share = new(0.7), new(0.7) },
		"think_max": func(p *profiles.Plan) {
			p.Approval = profiles.Approval{ThinkMin: new(time.Hour), ThinkMax: new(time.Second)}
		},
		"is not an IP address":              func(p *profiles.Plan) { p.Connections.Sources = []string{"localhost"} },
		"is not valid":                      func(p *profiles.Plan) { p.Thresholds = []string{"fast enough"} },
		"unknown metric":                    func(p *profiles.Plan) { p.Thresholds = []string{"speed rate>1"} },
		"has no unit: write, for example, ": func(p *profiles.Plan) { p.Thresholds = []string{"poll_latency p(99)<3"} },
	} {
		p, err := Workload("steady")
		if err != nil {
			t.Fatal(err)
		}
		change(&p)
		_, _, err = settle(p)
		var plan *PlanError
		if !errors.As(err, &plan) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

// TestRails: what does not fit is refused with the numbers.
func TestRails(t *testing.T) {
	for _, test := range []struct {
		name     string
		plan     profiles.Plan
		files    uint64
		ports    int
		loopback bool
		want     string
	}{
		{"it fits", profiles.Plan{Devices: 100_000}, 1024, 28_000, true, ""},
		{"nothing is known", profiles.Plan{Devices: 100_000, Connections: profiles.Connections{Policy: "per-device"}}, 0, 0, true, ""},
		{"too few files", profiles.Plan{Devices: 1000, Connections: profiles.Connections{Policy: "per-device"}}, 1024, 28_000, true, "may have only 1024 open files"},
		{"too few ports", profiles.Plan{Devices: 30_000, Connections: profiles.Connections{Policy: "per-device"}}, 1 << 20, 28_000, true, "28000 ports"},
		{"more addresses, more ports", profiles.Plan{Devices: 30_000, Connections: profiles.Connections{Policy: "per-device", Sources: []string{"127.0.0.1", "127.0.0.2"}}}, 1 << 20, 28_000, true, ""},
		{"ports rest for a minute", profiles.Plan{Devices: 5000, Connections: profiles.Connections{Policy: "per-poll"}}, 1 << 20, 28_000, false, "60000 ports a minute"},
		{"but not on loopback", profiles.Plan{Devices: 5000, Connections: profiles.Connections{Policy: "per-poll"}}, 1 << 20, 28_000, true, ""},
	} {
		_, s, err := settle(test.plan)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.rails(test.files, test.ports, test.loopback); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestWhereLoadMayGo: loopback, unless both the profile and the command line
// say so; and never beyond the profile's limits.
func TestWhereLoadMayGo(t *testing.T) {
	site := func(address string) *Site {
		p := &profiles.Profile{}
		p.Clients.Public = &profiles.Client{ID: "tv"}
		s, err := NewSite(p, profiles.Endpoints{DeviceAuthorization: address + "/d", Token: address + "/t"}, SiteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	_, s, err := settle(profiles.Plan{Devices: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		address string
		allowed bool
		most    float64
		want    string
	}{
		{"http://127.0.0.1:80", false, 0, ""},
		{"http://localhost", false, 0, ""},
		{"http://[::1]:8080", false, 0, ""},
		{"http://127.0.0.2", false, 0, ""},
		{"https://idp.example.com", false, 0, "--i-may-load-this-target"},
		{"https://localhost.example.com", false, 0, "--i-may-load-this-target"},
		{"http://10.0.0.1", false, 0, "--i-may-load-this-target"},
		{"https://idp.example.com", true, 0, ""},
		{"https://idp.example.com", true, 100, "allow 100"},
		{"https://idp.example.com", true, 500, ""},
	} {
		err := guard(Options{Site: site(test.address), Allowed: test.allowed, MostRequests: test.most}, &s)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: %v", test, err)
		}
	}
	mixed := site("http://127.0.0.1")
	mixed.deviceAuthorization = site("https://idp.example.com").deviceAuthorization
	names := map[string][]net.IPAddr{
		"idp.test":   {{IP: net.IPv4(127, 0, 0, 1)}, {IP: net.IPv6loopback}},
		"mixed.test": {{IP: net.IPv4(127, 0, 0, 1)}, {IP: net.IPv4(10, 0, 0, 1)}},
	}
	resolve := func(host string) []net.IPAddr { return names[host] }
	if mixed.loopback(resolve) {
		t.Error("a target with one endpoint elsewhere is called loopback")
	}
	for host, want := range map[string]bool{"idp.test": true, "mixed.test": false, "nowhere.test": false} {
		if got := site("http://" + host).loopback(resolve); got != want {
			t.Errorf("%s is on loopback: %v", host, got)
		}
	}
}

// TestValidity: a late generator says so, whatever the server did.
func TestValidity(t *testing.T) {
	for _, test := range []struct {
		g    Generator
		a    Approvals
		n    int64
		want string
	}{
		{Generator{Lateness: Quantiles{P99MS: 4.9}, LongestGapMS: 249}, Approvals{Asked: 2, Done: 1, Failed: 1}, 1000, ""},
		{Generator{Lateness: Quantiles{P99MS: 5.1}}, Approvals{}, 1000, "5.1 ms late"},
		{Generator{LongestGapMS: 3000}, Approvals{}, 1000, "stalled for 3000 ms"},
		{Generator{Unsent: 1}, Approvals{}, 1001, ""},
		{Generator{Unsent: 2}, Approvals{}, 1000, "99.80 %"},
		{Generator{}, Approvals{Asked: 3, Done: 1, Failed: 2, FirstFailure: "no page"}, 1000, "no page"},
	} {
		v := validity(test.g, test.a, test.n)
		if v.Valid != (test.want == "") || !strings.Contains(strings.Join(v.Reasons, ";"), test.want) {
			t.Errorf("%+v: %+v, want %q", test.g, v, test.want)
		}
	}
}
