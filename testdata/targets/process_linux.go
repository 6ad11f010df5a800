package targets

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// isolate puts the command into a process group of its own, so that it ends
// with all its children, and has the kernel end it should we be killed.
func isolate(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

func terminate(command *exec.Cmd) { signalGroup(command, syscall.SIGTERM) }

func kill(command *exec.Cmd) { signalGroup(command, syscall.SIGKILL) }

// signalGroup has nothing to say about a group that is gone already.
func signalGroup(command *exec.Cmd, signal syscall.Signal) {
	_ = syscall.Kill(-command.Process.Pid, signal)
}

// process is one that runs; its start tells it from a later one of the same id.
type process struct {
	id    int
	start string
}

// descendants are the process and all that it started and that still runs,
// also what left its group, as the processes of PostgreSQL do.
func descendants(ancestor int) (list []process) {
	children, starts := map[int][]int{}, map[int]string{}
	folders, _ := filepath.Glob("/proc/[0-9]*") // the pattern is a good one
	for _, folder := range folders {
		id, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if parent, start, ok := status(id); ok {
			children[parent] = append(children[parent], id)
			starts[id] = start
		}
	}
	for queue := []int{ancestor}; len(queue) > 0; queue = queue[1:] {
		if start, ok := starts[queue[0]]; ok {
			list = append(list, process{queue[0], start})
		}
		queue = append(queue, children[queue[0]]...)
	}
	return list
}

// status reads a process's parent and start; false: it is gone, or a zombie.
func status(id int) (parent int, start string, ok bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return 0, "", false
	}
	// proc(5): PID (NAME) STATE PARENT ... STARTTIME; the name may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return 0, "", false
	}
	parent, err = strconv.Atoi(fields[1])
	return parent, fields[19], err == nil
}

// alive says whether it still runs.
func (p process) alive() bool {
	_, start, ok := status(p.id)
	return ok && start == p.start
}

// Memory is what the server's processes hold of it, in bytes: the sum of their
// proportional sets.
func (s *Server) Memory() (sum int64) {
	for _, p := range descendants(s.id) {
		rollup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.id)) // it may have ended
		for line := range strings.Lines(string(rollup)) {
			if size, ok := strings.CutPrefix(line, "Pss:"); ok {
				kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(size), " kB"), 10, 64)
				sum += kib << 10
			}
		}
	}
	return sum
}
