package profiles

import "time"

// LoadTest is what the profile says about load tests.
type LoadTest struct {
	// Allow permits load on a target that is not on loopback. The command line
	// has to say so too.
	Allow bool `yaml:"allow"`
	// Plan changes the workload that is run.
	Plan Plan `yaml:"plan"`
}

// Plan is a load test: how many devices come when, what they do, what people
// decide, and what the figures have to be. What is not given is that of the
// workload.
type Plan struct {
	// Workload is the plan that this one changes: steady, ramp, issuance,
	// thundering-herd, impatient, expiry-storm, approval-rush, greedy or soak.
	Workload string `yaml:"workload"`
	// Devices is how many poll at once.
	Devices  int           `yaml:"devices"`
	Duration time.Duration `yaml:"duration"`
	// WarmUp is the beginning of Duration that the figures leave out.
	WarmUp *time.Duration `yaml:"warm_up"`
	// Drain is how long devices whose approval came late may still ask
	// afterwards.
	Drain *time.Duration `yaml:"drain"`
	// Timeout is for one request.
	Timeout time.Duration `yaml:"timeout"`
	// Seed repeats the choices of an earlier run.
	Seed int `yaml:"seed"`
	// ClientModel is rfc (the next poll an interval after the answer, as section
	// 3.5 has it) or fixed (an interval after the last was due: constant pacing).
	ClientModel string `yaml:"client_model"`
	// Phases is spread (the first poll is put off by up to an interval, at
	// random) or none.
	Phases string `yaml:"phases"`
	// Replace starts a new device for each that ended.
	Replace *bool `yaml:"replace"`
	// IssueOnly ends each device when it has its codes.
	IssueOnly   *bool       `yaml:"issue_only"`
	Arrival     Arrival     `yaml:"arrival"`
	Mix         Mix         `yaml:"mix"`
	Approval    Approval    `yaml:"approval"`
	Impatient   Impatient   `yaml:"impatient"`
	Greedy      Greedy      `yaml:"greedy"`
	Connections Connections `yaml:"connections"`
	// Transport is lean (HTTP/1.1, ours) or net/http (also HTTP/2 and proxies).
	Transport string `yaml:"transport"`
	// Canary lets a person in a real browser approve one device every 30 s.
	Canary *bool `yaml:"canary"`
	// AtRest asks how one device alone is slowed down, before the load.
	AtRest *bool `yaml:"at_rest"`
	// Thresholds are what has to hold: "poll_latency p(99)<250ms". The word
	// abort behind one ends the run when it is missed.
	Thresholds []string `yaml:"thresholds"`
}

// Arrival is when devices ask for their codes.
type Arrival struct {
	// Curve is constant, ramp (from nothing to twice the mean), steps, spike (all
	// at once) or closed (as fast as the answers come).
	Curve string        `yaml:"curve"`
	Over  time.Duration `yaml:"over"`
	// Steps is how many the curve steps has.
	Steps int `yaml:"steps"`
	// Width is how many requests the curve closed has under way at once.
	Width int `yaml:"width"`
}

// Mix is what becomes of the devices, as shares of 1. The rest of 1 abandons.
type Mix struct {
	Approve *float64 `yaml:"approve"`
	Deny    *float64 `yaml:"deny"`
	// Expire: nobody decides, and the device polls to the end.
	Expire *float64 `yaml:"expire"`
}

// Approval is when people decide.
type Approval struct {
	// ThinkMin and ThinkMax bound the time from the codes to the decision.
	ThinkMin *time.Duration `yaml:"think_min"`
	ThinkMax *time.Duration `yaml:"think_max"`
	// At lets everybody decide at this instant of the run instead.
	At time.Duration `yaml:"at"`
	// Rate is the most decisions a second, 0: any. Workers is how many people
	// decide at once.
	Rate    float64 `yaml:"rate"`
	Workers int     `yaml:"workers"`
	// Driver is who decides: hook or forms. Default: hook where the profile has
	// one.
	Driver string `yaml:"driver"`
}

// Impatient are devices that ignore the interval.
type Impatient struct {
	// Share of the devices, of 1.
	Share *float64 `yaml:"share"`
	// Pace is their interval as a part of the advertised one; 0 polls again as
	// soon as there is an answer.
	Pace *float64 `yaml:"pace"`
	// Forgetful is the share of them that hurries once and then goes back to the
	// advertised interval, whatever it was told.
	Forgetful *float64 `yaml:"forgetful"`
}

// Greedy are devices that redeem an approved code several times at once, and
// again later.
type Greedy struct {
	Share *float64 `yaml:"share"`
	Width int      `yaml:"width"`
}

// Connections are those of the generator.
type Connections struct {
	// Policy is reuse, per-device or per-poll.
	Policy string `yaml:"policy"`
	Max    int    `yaml:"max"`
	// Sources are local addresses to connect from in turn.
	Sources []string `yaml:"sources"`
	// Resume resumes TLS sessions. KeyExchange is default or x25519.
	Resume      *bool  `yaml:"resume"`
	KeyExchange string `yaml:"key_exchange"`
}
