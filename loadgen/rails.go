package loadgen

import (
	"fmt"
	"os"
)

// spareFiles are those that are no connection: records, the profile, the
// terminal, the approver's connections.
const spareFiles = 128

// rails says what keeps a plan from fitting this machine, before anything is
// sent; "" is nothing.
func (s *settings) rails(files uint64, ports int, loopback bool) string {
	if need := s.connections + spareFiles; files > 0 && uint64(need) > files {
		return fmt.Sprintf("the plan may open %d connections and %d other files, but this process may have only %d open files (ulimit -n): raise the limit or lower connections.max",
			s.connections, spareFiles, files)
	}
	if ports == 0 {
		return ""
	}
	room := ports * max(1, len(s.sources))
	if s.connections > room {
		return fmt.Sprintf("the plan may open %d connections to one address, but there are only %d ports for each of %d source addresses: add connections.sources or lower connections.max",
			s.connections, ports, max(1, len(s.sources)))
	}
	// A closed connection keeps its port for a minute, but for loopback, where
	// Linux uses it again at once.
	if perPoll := s.devices / 5 * 60; s.plan.Connections.Policy == "per-poll" && !loopback && perPoll > room {
		return fmt.Sprintf("%d devices with one connection per poll use about %d ports a minute, but there are only %d: add connections.sources or lower devices",
			s.devices, perPoll, room)
	}
	return ""
}

// ephemeralPorts is how many the system has for one pair of addresses; 0: not known.
func ephemeralPorts() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0
	}
	var from, to int
	if _, err := fmt.Sscan(string(text), &from, &to); err != nil || to < from {
		return 0
	}
	return to - from + 1
}

// peakRate is about how many requests a second the plan comes to, at an
// interval in seconds: for a ceiling.
func (s *settings) peakRate(interval float64) float64 {
	polls := float64(s.devices) / max(interval, 0.1)
	if s.impatient > 0 {
		polls *= 1 + s.impatient*(1/max(s.pace, 0.01)-1)
	}
	if s.issueOnly {
		polls = 0
	}
	arrivals := float64(s.devices) / max(float64(s.over)/1e9, 1)
	return max(polls, arrivals)
}
