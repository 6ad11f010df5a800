package profiles

import "time"

// LoadTest is the load test section of a profile.
type LoadTest struct {
	// Allow permits load on a target that is not on loopback. The command line
	// must allow it too.
	Allow bool `yaml:"allow"`
	// Plan changes the workload.
	Plan Plan `yaml:"plan"`
}

// Plan is a load test: how many devices arrive when, what they do, how end
// users decide, and which thresholds must hold. The workload provides what is
// not given.
type Plan struct {
	// Workload is the plan that this one changes: steady, ramp, issuance,
	// thundering-herd, impatient, expiry-storm, approval-rush, greedy or soak.
	Workload string `yaml:"workload"`
	// Devices is how many devices poll at once.
	Devices  int           `yaml:"devices"`
	Duration time.Duration `yaml:"duration"`
	// WarmUp is the start of Duration that the figures leave out.
	WarmUp *time.Duration `yaml:"warm_up"`
	// Drain is how long devices that were approved late may still poll at the
	// end.
	Drain *time.Duration `yaml:"drain"`
	// Timeout of one request.
	Timeout time.Duration `yaml:"timeout"`
	// Seed repeats the choices of an earlier run.
	Seed int `yaml:"seed"`
	// ClientModel is rfc (poll one interval after the last response, as section
	// 3.5 requires) or fixed (one interval after the last poll was due:
	// constant pacing).
	ClientModel string `yaml:"client_model"`
	// Phases is spread (the first poll is delayed at random, by up to one
	// interval) or none.
	Phases string `yaml:"phases"`
	// Replace starts a new device for each one that ends.
	Replace *bool `yaml:"replace"`
	// IssueOnly ends each device as soon as it has its codes.
	IssueOnly   *bool       `yaml:"issue_only"`
	Arrival     Arrival     `yaml:"arrival"`
	Mix         Mix         `yaml:"mix"`
	Approval    Approval    `yaml:"approval"`
	Impatient   Impatient   `yaml:"impatient"`
	Greedy      Greedy      `yaml:"greedy"`
	Connections Connections `yaml:"connections"`
	// Transport is lean (HTTP/1.1, devicegrant's own) or net/http (also HTTP/2
	// and proxies).
	Transport string `yaml:"transport"`
	// Canary approves one device every 30 s in a real browser.
	Canary *bool `yaml:"canary"`
	// AtRest measures, before the load, how a single device is slowed down.
	AtRest *bool `yaml:"at_rest"`
	// Thresholds must hold: "poll_latency p(99)<250ms". With the word abort at
	// its end, a missed threshold ends the run.
	Thresholds []string `yaml:"thresholds"`
}

// Arrival says when devices request their codes.
type Arrival struct {
	// Curve is constant, ramp (from zero to twice the mean), steps, spike (all
	// at once) or closed (as fast as the server responds).
	Curve string        `yaml:"curve"`
	Over  time.Duration `yaml:"over"`
	// Steps is the number of steps of the curve steps.
	Steps int `yaml:"steps"`
	// Width is the number of concurrent requests of the curve closed.
	Width int `yaml:"width"`
}

// Mix says what happens to the devices, as shares of 1. The rest is abandoned.
type Mix struct {
	Approve *float64 `yaml:"approve"`
	Deny    *float64 `yaml:"deny"`
	// Expire: nobody decides, and the device polls until its codes expire.
	Expire *float64 `yaml:"expire"`
}

// Approval says when end users decide.
type Approval struct {
	// ThinkMin and ThinkMax bound the time from the codes to the decision.
	ThinkMin *time.Duration `yaml:"think_min"`
	ThinkMax *time.Duration `yaml:"think_max"`
	// At makes all end users decide at this instant of the run instead.
	At time.Duration `yaml:"at"`
	// Rate is the maximum number of decisions per second; 0: no limit. Workers
	// is how many end users decide at once.
	Rate    float64 `yaml:"rate"`
	Workers int     `yaml:"workers"`
	// Driver decides: hook or forms. Default: hook if the profile has one.
	Driver string `yaml:"driver"`
}

// Impatient are devices that ignore the interval.
type Impatient struct {
	// Share of the devices, as a fraction of 1.
	Share *float64 `yaml:"share"`
	// Pace is their interval as a fraction of the advertised one; 0 polls again
	// as soon as a response arrives.
	Pace *float64 `yaml:"pace"`
	// Forgetful is the share of them that polls too fast once and then returns
	// to the advertised interval, ignoring every slow_down.
	Forgetful *float64 `yaml:"forgetful"`
}

// Greedy are devices that redeem an approved code several times at once, and
// again later.
type Greedy struct {
	Share *float64 `yaml:"share"`
	Width int      `yaml:"width"`
}

// Connections are the generator's connections.
type Connections struct {
	// Policy is reuse, per-device or per-poll.
	Policy string `yaml:"policy"`
	Max    int    `yaml:"max"`
	// Sources are local addresses to connect from, in turn.
	Sources []string `yaml:"sources"`
	// Resume resumes TLS sessions. KeyExchange is default or x25519.
	Resume      *bool  `yaml:"resume"`
	KeyExchange string `yaml:"key_exchange"`
}
