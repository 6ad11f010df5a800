//go:build !unix

package loadgen

import "time"

// The figures of the process are not known here.
func cpuTime() time.Duration { return 0 }
func residentBytes() int64   { return 0 }
func openFiles() uint64      { return 0 }
