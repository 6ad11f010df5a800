package suites

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/report"
)

// The flags of the doors "go test" and "ginkgo":
//
//	go test ./suites -count=1 -timeout 0 -args -profile my-server.yaml
//	ginkgo ./suites -- -profile my-server.yaml
var door struct {
	profile, selectors, out, browser string
	set                              repeated
	strict, allowLockouts            bool
}

type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, " ") }
func (r *repeated) Set(s string) error { *r = append(*r, s); return nil }

func init() {
	flag.StringVar(&door.profile, "profile", "", "judge the server of this profile, and run no other test")
	flag.Var(&door.set, "set", "override a key of the profile")
	flag.StringVar(&door.selectors, "select", "", "selectors, separated by blanks")
	flag.StringVar(&door.out, "out", "", "folder for result.json")
	flag.StringVar(&door.browser, "browser", "auto", "auto, none, or a path")
	flag.BoolVar(&door.strict, "strict", false, "strict warnings fail")
	flag.BoolVar(&door.allowLockouts, "allow-lockouts", false, "allow checks that may lock an account or a client")
}

// TestMain leaves the tests of the suite itself out when a server is judged.
func TestMain(m *testing.M) {
	flag.Parse()
	if door.profile != "" {
		if err := flag.Set("test.run", "^TestConformance$"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestConformance judges the server of -profile.
func TestConformance(t *testing.T) {
	if door.profile == "" {
		t.Skip("no server to judge: go test ./suites -count=1 -timeout 0 -args -profile NAME")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	profile, err := profiles.Load(door.profile, profiles.Options{Set: door.set})
	if err != nil {
		t.Fatal(err)
	}
	profile.Limits.AllowLockouts = profile.Limits.AllowLockouts || door.allowLockouts
	s, err := Open(ctx, Options{
		Profile: profile, Select: strings.Fields(door.selectors), Browser: door.browser,
		Policy: report.Policy{Strict: door.strict}, Tool: "go test",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	Register(ctx, s)
	gomega.RegisterFailHandler(ginkgo.Fail)
	config, reporter := ginkgo.GinkgoConfiguration()
	config.Timeout = suiteTimeout
	ginkgo.RunSpecs(t, "RFC 8628 conformance of "+profile.Name, config, reporter)
	result := s.Result(ctx)
	t.Logf("%+v, exit code %d", result.Counts, result.ExitCode)
	if door.out != "" {
		if _, err := report.WriteDir(door.out, result); err != nil {
			t.Error(err)
		}
	}
	if result.ExitCode != report.ExitConforming {
		t.Fail()
	}
}
