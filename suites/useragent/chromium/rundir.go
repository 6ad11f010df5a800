package chromium

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// runPrefix begins the names of the folders that hold a browser's profile
// while it runs. A killed run leaves its folder behind; the next one sweeps it.
const runPrefix = "devicegrant-browser-"

// ownerFile says whose a folder is.
const ownerFile = "owner.json"

// owner is a process, beyond doubt: a number alone is used again, and means
// something else in another container.
type owner struct {
	PID int `json:"pid"`
	// Started is when, in the kernel's ticks since its own start; World is that
	// start and the namespace in which PID counts.
	Started string `json:"started"`
	World   string `json:"world"`
}

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
	me, err := json.Marshal(ownerOf(os.Getpid()))
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, ownerFile), me, 0o600)
}

// removals bounds how often, each time 50 ms later, a folder is removed: on a busy
// machine the last of a browser's processes ends seconds after the first.
const removals = 400

// removeRunDir removes a folder whose browser was told to end. The last of its
// processes may still be writing, and may make the folder once more; one that does
// not move any more is killed.
func removeRunDir(dir string) error {
	err := errors.New("useragent: " + dir + " is being written to")
	for range removals {
		for _, p := range processesOf(dir) {
			p.kill()
		}
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

// sweep removes the folders whose owner is certainly gone, and no others.
func sweep(temp string) {
	dirs, _ := filepath.Glob(filepath.Join(temp, runPrefix+"*"))
	here := ownerOf(os.Getpid()).World
	for _, dir := range dirs {
		raw, err := os.ReadFile(filepath.Join(dir, ownerFile))
		if err != nil {
			continue // being made just now, or not ours
		}
		var was owner
		if json.Unmarshal(raw, &was) != nil || was.PID <= 0 || was.World == "" || was.World != here || ownerOf(was.PID) == was {
			continue
		}
		for _, p := range processesOf(dir) {
			p.kill()
		}
		_ = os.RemoveAll(dir)
	}
}
