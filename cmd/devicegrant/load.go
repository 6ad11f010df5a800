package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/loadgen"
	loadreport "github.com/devicegrant/devicegrant/loadgen/report"
	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/scenario"
)

// loadFlags are the flags of the verb load.
type loadFlags struct {
	profile, workload, planFile string
	set                         []string
	plan                        profiles.Plan
	warmUp, drain               time.Duration
	approve                     float64
	closedLoop                  bool
	thresholds                  []string
	driver                      string
	canary                      bool
	shards                      int
	mayLoad                     bool
	wait                        time.Duration
	faults                      []string
	expiresIn                   time.Duration
	metrics                     string
	findCapacity                bool
	slo                         []string
	most                        int
	within, step                time.Duration
	out                         string
	json                        bool
	look                        lookFlags
}

func newLoadCommand() *cobra.Command {
	var f loadFlags
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Load one server with many polling devices and measure it",
		Long: `Simulate many thousands of devices that poll one server (RFC 8628 section 3.4),
and measure both the server and the generator itself.

Without --profile, load starts the built-in reference server in its own process.
It loads a target on another machine only if the profile says load.allow: true
and the command line says --i-may-load-this-target.

A plan says when devices arrive and which thresholds must hold. It starts from
the workload; load.plan in the profile, --plan and the flags override it, in this
order.

Exit status: 0 no threshold missed and the ledger is clean, 2 bad usage or plan,
3 the generator was late or nothing was measured, 4 a threshold was missed, the
ledger is broken or nothing was answered, 130 interrupted.`,
		Example: `  devicegrant load --devices 10000 --duration 30s
  devicegrant load --profile my-server.yaml --workload impatient
  devicegrant load --profile my-server.yaml --find-capacity --slo 'poll_latency p(99)<250ms'
  devicegrant load workloads steady > my-plan.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.profile, "profile", "p", "builtin", "shipped profile or YAML file")
	flags.StringArrayVar(&f.set, "set", nil, "override a profile key: base_url=https://...")
	flags.StringVarP(&f.workload, "workload", "w", "", strings.Join(loadgen.Workloads(), ", ")+" (default steady)")
	flags.StringVar(&f.planFile, "plan", "", "YAML file with changes to the workload")
	flags.IntVarP(&f.plan.Devices, "devices", "n", 0, "polling devices (default: as in the plan)")
	flags.DurationVarP(&f.plan.Duration, "duration", "d", 0, "duration of the load")
	flags.DurationVar(&f.warmUp, "warm-up", 0, "initial time that the figures leave out")
	flags.DurationVar(&f.drain, "drain", 0, "time at the end in which approved devices may still poll")
	flags.StringVar(&f.plan.ClientModel, "client-model", "", "rfc (next poll one interval after the response) or fixed (constant pacing)")
	flags.Float64Var(&f.approve, "approve", 0, "share of the devices that are approved; all others expire")
	flags.BoolVar(&f.closedLoop, "closed-loop", false, "closed model without pacing: each device polls again as soon as it has a response")
	flags.StringVar(&f.plan.Transport, "transport", "", "lean (HTTP/1.1) or net/http (HTTP/2, proxies)")
	flags.IntVar(&f.plan.Connections.Max, "connections", 0, "maximum concurrent connections")
	flags.DurationVar(&f.plan.Timeout, "timeout", 0, "time limit for one request")
	flags.IntVar(&f.plan.Seed, "seed", 0, "seed for random choices, to repeat an earlier run")
	flags.StringArrayVarP(&f.thresholds, "threshold", "t", nil, "threshold, replacing those of the plan: 'poll_latency p(99)<250ms'")
	flags.StringVar(&f.driver, "approver", "", "how codes are approved: hook or forms")
	flags.BoolVar(&f.canary, "canary", false, "also approve one device every 30 s in a real browser")
	flags.IntVar(&f.shards, "shards", 1, "cores that the generator may use")
	flags.BoolVar(&f.mayLoad, "i-may-load-this-target", false, "the target is on another machine, and I am allowed to load it")
	flags.DurationVar(&f.wait, "wait", 0, "wait up to this long for a server that is still starting")
	flags.StringSliceVar(&f.faults, "fault", nil, "built-in server only: faults to switch on (devicegrant idp --list-faults)")
	flags.DurationVar(&f.expiresIn, "expires-in", 0, "built-in server only: lifetime of codes")
	flags.StringVar(&f.metrics, "metrics", "", "serve Prometheus metrics at this address during the run: 127.0.0.1:9464")
	flags.BoolVar(&f.findCapacity, "find-capacity", false, "increase the number of devices until --slo is missed")
	flags.StringArrayVar(&f.slo, "slo", nil, "with --find-capacity: the service level objective (default 'poll_latency p(99)<250ms')")
	flags.IntVar(&f.most, "max-devices", 200_000, "with --find-capacity: the largest number to try")
	flags.DurationVar(&f.within, "within", 10*time.Minute, "with --find-capacity: time limit for the whole search")
	flags.DurationVar(&f.step, "step", 15*time.Second, "with --find-capacity: measured time of each run")
	flags.StringVarP(&f.out, "out", "o", "out", "folder for load.json, the report and the records")
	flags.BoolVar(&f.json, "json", false, "print load.json on standard output")
	f.look.register(flags)
	cmd.AddCommand(newWorkloadsCommand(), newRecordsCommand(), newLoadSchemaCommand())
	return cmd
}

func (f *loadFlags) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	look, err := f.look.resolve(cmd.ErrOrStderr())
	if err != nil {
		return usageError{err}
	}
	if err := outFlag(f.out); err != nil {
		return err
	}
	target, err := f.openTarget(ctx)
	if err != nil {
		return err
	}
	defer target.close()
	plan, err := f.settlePlan(cmd, target.profile)
	if err != nil {
		return err
	}
	// The generator is as parallel as it was told to be; the approver, the bars and
	// the endpoint for metrics are its guests.
	runtime.GOMAXPROCS(max(1, f.shards))
	// Nearly all of the heap has no pointers: collecting often is cheap, and
	// keeps the devices small.
	debug.SetGCPercent(30)
	o := loadgen.Options{
		Plan: plan, Site: target.site, Shards: f.shards, Allowed: target.profile.Load.Allow && f.mayLoad,
		MostRequests: target.ceiling, Tool: toolVersion(),
		Records: filepath.Join(f.out, "records.bin"), Histograms: filepath.Join(f.out, "load.hlog"),
	}
	approvers, err := f.openApprovers(target, plan)
	if err != nil {
		return err
	}
	defer approvers.close()
	o.Approver, o.Canary = approvers.approver, approvers.canary

	screen := newLoadScreen(cmd.OutOrStdout(), cmd.ErrOrStderr(), look, f.json)
	observers := []func(loadgen.Live){screen.live}
	if f.metrics != "" {
		m, err := serveMetrics(f.metrics)
		if err != nil {
			return usageError{err}
		}
		defer m.close()
		screen.note("metrics  http://" + m.address + "/metrics")
		observers = append(observers, m.live)
	}
	o.Observer = func(l loadgen.Live) {
		for _, observe := range observers {
			observe(l)
		}
	}
	result, err := f.carryOut(ctx, o, screen)
	screen.finish()
	if err != nil {
		return err
	}
	return f.deliver(cmd.OutOrStdout(), screen, result, target.notes)
}

// carryOut runs the plan, or the search.
func (f *loadFlags) carryOut(ctx context.Context, o loadgen.Options, screen *loadScreen) (loadgen.Result, error) {
	if !f.findCapacity {
		screen.planned(o)
		return loadgen.Run(ctx, o)
	}
	slo := f.slo
	if len(slo) == 0 {
		slo = []string{"poll_latency p(99)<250ms"}
	}
	from := max(f.plan.Devices, 100)
	screen.searching(o, slo, f.most)
	return loadgen.FindCapacity(ctx, o, loadgen.Search{SLO: slo, From: min(from, f.most), Most: f.most, Within: f.within, Step: f.step, Stepped: screen.stepped})
}

// settlePlan lays the plans over each other.
func (f *loadFlags) settlePlan(cmd *cobra.Command, p *profiles.Profile) (profiles.Plan, error) {
	given := cmd.Flags().Changed
	own := p.Load.Plan
	if given("devices") && f.plan.Devices <= 0 {
		return own, usageError{fmt.Errorf("--devices %d: at least one device is needed", f.plan.Devices)}
	}
	name := firstOf(f.workload, own.Workload, "steady")
	var fromFile profiles.Plan
	if f.planFile != "" {
		text, err := readPlan(f.planFile)
		if err != nil {
			return own, err
		}
		if fromFile, err = profiles.ParsePlan(f.planFile, text, profiles.Plan{}); err != nil {
			return own, err
		}
		name = firstOf(f.workload, fromFile.Workload, name)
	}
	workload, err := loadgen.Workload(name)
	if err != nil {
		return own, err
	}
	flags := f.plan
	flags.Workload = name
	if given("warm-up") {
		flags.WarmUp = &f.warmUp
	}
	if given("drain") {
		flags.Drain = &f.drain
	}
	if given("approve") {
		flags.Mix.Approve, flags.Mix.Deny, flags.Mix.Expire = &f.approve, new(0.0), new(1-f.approve)
	}
	if f.canary {
		flags.Canary = &f.canary
	}
	if f.closedLoop {
		flags.Impatient.Share, flags.Impatient.Pace, flags.Impatient.Forgetful = new(1.0), new(0.0), new(0.0)
		flags.Mix.Approve, flags.Mix.Deny, flags.Mix.Expire = new(0.0), new(0.0), new(1.0)
	}
	if given("threshold") {
		flags.Thresholds = f.thresholds
	}
	flags.Approval.Driver = f.driver
	return flags.Over(fromFile.Over(own.Over(workload))), nil
}

// maxPlan bounds a plan's file.
const maxPlan = 1 << 20

func readPlan(file string) ([]byte, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("the plan: %w", err)}
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxPlan))
	if err != nil {
		return nil, usageError{fmt.Errorf("the plan: %w", err)}
	}
	return text, nil
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// deliver writes the result and says how the run ended.
func (f *loadFlags) deliver(stdout io.Writer, screen *loadScreen, result loadgen.Result, notes []string) error {
	result.Notes = append(notes, result.Notes...)
	text, err := json.MarshalIndent(result, "", " ")
	if err != nil {
		return fmt.Errorf("the result as JSON: %w", err)
	}
	text = append(report.InertJSON(text), '\n')
	out := &delivery{dir: f.out, stdout: stdout}
	asJSON := func(w io.Writer) error { _, err := w.Write(text); return err }
	if out.file("load.json", asJSON) == "" {
		out.rescue("load.json", asJSON)
	}
	out.file("load.html", func(w io.Writer) error { return loadreport.HTML(w, result) })
	out.file("load.xml", func(w io.Writer) error { return loadreport.JUnit(w, result) })
	screen.results(result, f.out)
	if f.json {
		out.print(asJSON)
	}
	return out.status(result.ExitCode)
}

// locate finds the endpoints of the profile. simulated is what is known of the
// target beforehand; a target that says it of itself needs nobody to know.
func locate(ctx context.Context, p *profiles.Profile, wait time.Duration, simulated string) (*loadgen.Site, error) {
	target, trusted, err := scenario.Locate(ctx, p, wait)
	if err != nil {
		return nil, err
	}
	if simulated == "" && target.Simulation != "" {
		simulated = "devicegrant idp --personality " + target.Simulation
	}
	return loadgen.NewSite(p, target.Endpoints, loadgen.SiteOptions{Issuer: target.Issuer, Simulated: simulated, TLS: trusted})
}
