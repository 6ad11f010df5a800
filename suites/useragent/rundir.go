package useragent

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// runPrefix begins the names of the folders that hold a browser's profile
// while it runs. A killed run leaves its folder behind; the next one sweeps it.
const runPrefix = "devicegrant-browser-"

// makeRunDir makes this run's folder, after sweeping those of runs that are gone.
func makeRunDir(temp string) (string, error) {
	if temp == "" {
		temp = os.TempDir()
	}
	sweep(temp)
	dir, err := os.MkdirTemp(temp, runPrefix)
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600)
}

// removals bounds how often, each time 50 ms later, a folder is removed: on a busy
// machine the last of a browser's processes ends seconds after the first.
const removals = 400

// removeRunDir removes a folder whose browser was told to end. The last of its
// processes may still be writing, and may make the folder once more.
func removeRunDir(dir string) error {
	err := errors.New("useragent: " + dir + " is being written to")
	for range removals {
		if removed := os.RemoveAll(dir); removed != nil {
			err = removed
		}
		time.Sleep(50 * time.Millisecond)
		if _, gone := os.Stat(dir); errors.Is(gone, os.ErrNotExist) {
			return nil
		}
	}
	return err
}

func sweep(temp string) {
	dirs, _ := filepath.Glob(filepath.Join(temp, runPrefix+"*"))
	for _, dir := range dirs {
		raw, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			continue // being made just now, or not ours
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
		if err == nil && pid > 0 && !alive(pid) {
			_ = os.RemoveAll(dir)
		}
	}
}

// alive says whether a process is there. One that belongs to somebody else is.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH)
}
