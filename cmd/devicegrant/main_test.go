package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	// The tests wait more than they work, so that two for a core go beside each
	// other. Ginkgo refuses to run where -parallel is a flag of the command line.
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Lookup("test.parallel").Value.Set(strconv.Itoa(2 * runtime.GOMAXPROCS(0)))
	}
	status := m.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	os.Exit(status)
}

// builtIn is the folder of the program that the tests built, "" where they built
// none.
var builtIn string

// program is the program under test. make builds it once for all its runs of the
// tests, and names it; without make it is built here.
var program = sync.OnceValues(func() (string, error) {
	if named := os.Getenv("DEVICEGRANT_TEST_BINARY"); named != "" {
		if !filepath.IsAbs(named) {
			return "", fmt.Errorf("DEVICEGRANT_TEST_BINARY=%s: tests run in their own folders, so the path has to be absolute", named)
		}
		_, err := os.Stat(named)
		return named, err
	}
	dir, err := os.MkdirTemp("", "devicegrant-test-")
	if err != nil {
		return "", err
	}
	builtIn = dir
	file := filepath.Join(dir, "devicegrant")
	// Without symbols it is linked in half the time.
	if printed, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", file, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, printed)
	}
	return file, nil
})

func binary(t *testing.T) string {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatalf("the program to test: %v", err)
	}
	return file
}

// The program of a test is the test itself: a child of it would run all tests
// again, which start children.
func init() {
	ownProgram = func() (string, error) { return "", errors.New("a test that starts the program calls useBinary") }
}

// useBinary lets the test start the program that was built.
func useBinary(t *testing.T) {
	t.Helper()
	before, program := ownProgram, binary(t)
	ownProgram = func() (string, error) { return program, nil }
	t.Cleanup(func() { ownProgram = before })
}

// notShort skips a test that is too much for every save of a file: one that
// starts a browser, a server of somebody else's or a whole run, or that takes
// more than two seconds.
func notShort(t *testing.T, why string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("not with -short: %s", why)
	}
}
