package transport

import (
	"strings"
	"testing"
	"time"
)

// TestOnlyLoopback: a name that was on this machine when it was checked may be
// elsewhere at the dial.
func TestOnlyLoopback(t *testing.T) {
	l := &lean{o: Options{OnlyLoopback: true, Timeout: time.Second}}
	c, err := l.dialTCP(t.Context(), "tcp", "192.0.2.1:9")
	if err == nil {
		c.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "not on this machine") {
		t.Errorf("%v", err)
	}
}
