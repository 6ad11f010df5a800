package chromium

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ownerOf is a process as the kernel tells it apart from any other; without
// Started when there is none of that number.
func ownerOf(pid int) owner {
	o := owner{PID: pid}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return o
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return o
	}
	o.World = strings.TrimSpace(string(boot)) + " " + namespace
	_, o.Started = parentAndStart(pid)
	return o
}

// parentAndStart are of a process: its parent, and when it started, in the
// kernel's ticks; "" when there is none of that number.
func parentAndStart(pid int) (parent int, started string) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, ""
	}
	// The name stands in brackets and may hold anything: the fields after it are
	// the third and so on.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return 0, ""
	}
	parent, _ = strconv.Atoi(fields[1])
	return parent, fields[19]
}

// browserProcess is one of a browser's.
type browserProcess struct {
	pid      int
	started  string
	renderer bool // it shows a page
}

// kill ends it, unless another process has its number by now.
func (p browserProcess) kill() {
	if _, started := parentAndStart(p.pid); started == p.started {
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
	}
}

// memory is what it takes, in bytes.
func (p browserProcess) memory() int64 {
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// processesOf are those of the browser whose profile is below a folder: those to
// which the browser tells it, and all that they started.
func processesOf(dir string) (list []browserProcess) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	mark := []byte("--user-data-dir=" + filepath.Join(dir, "profile"))
	children := map[int][]browserProcess{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		parent, started := parentAndStart(pid)
		if started == "" || parent == 2 { // the kernel's own
			continue
		}
		line, _ := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		p := browserProcess{pid, started, bytes.Contains(line, []byte("--type=renderer"))}
		if bytes.Contains(line, mark) {
			list = append(list, p)
		} else {
			children[parent] = append(children[parent], p)
		}
	}
	for i := 0; i < len(list); i++ {
		list = append(list, children[list[i].pid]...)
		delete(children, list[i].pid)
	}
	return list
}
