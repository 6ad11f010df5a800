package loadgen

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// stuck is a disk that takes nothing until it is let go.
type stuck struct {
	free    chan struct{}
	waiting atomic.Bool
}

func (s *stuck) Write(b []byte) (int, error) {
	s.waiting.Store(true)
	<-s.free
	return len(b), nil
}

func (s *stuck) Read([]byte) (int, error)       { return 0, io.EOF }
func (s *stuck) Seek(int64, int) (int64, error) { return 0, nil }

// slowToEnd is a connection that does not let itself be closed until the peer
// reads, as TLS does with its last words.
type slowToEnd struct {
	net.Conn
	free    chan struct{}
	waiting *atomic.Bool
}

func (s *slowToEnd) Close() error {
	s.waiting.Store(true)
	<-s.free
	return s.Conn.Close()
}

// TestNobodyWaitsUnderTheLock: a disk that stands still under the records or
// under the ledger's answers, and a peer that does not let go of a connection,
// keep no device from polling in time. The clock is virtual: a poll that waited
// for any of them would be as late as they stand.
func TestNobodyWaitsUnderTheLock(t *testing.T) {
	const still = 2 * time.Minute
	for name, block := range map[string]func(r *run, free chan struct{}, waiting func() *atomic.Bool){
		"records": func(r *run, free chan struct{}, waiting func() *atomic.Bool) {
			disk := &stuck{free: free}
			r.recorder = &recorder{blocks: make(chan []byte), spare: make(chan []byte, 4), done: make(chan error, 1)}
			go func() {
				for b := range r.recorder.blocks {
					waiting().Store(true)
					_, _ = disk.Write(b)
				}
				r.recorder.done <- nil
			}()
		},
		"ledger": func(r *run, free chan struct{}, waiting func() *atomic.Bool) {
			r.ledger.spool.close()
			r.ledger.spool = &spool{file: &stuck{free: free}, texts: make(chan spooled), done: make(chan struct{})}
			go func() {
				waiting().Store(true)
				r.ledger.spool.write()
			}()
		},
		"connections": func(r *run, free chan struct{}, waiting func() *atomic.Bool) {
			dial := r.o.dial
			r.o.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := dial(ctx, network, address)
				return &slowToEnd{c, free, waiting()}, err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVirtual(5*time.Second, time.Hour)
				plan, set, err := settle(profiles.Plan{
					Devices: 200, Duration: time.Minute, WarmUp: new(time.Duration), Phases: "none", Replace: new(true), Drain: new(time.Duration),
					Mix: profiles.Mix{Approve: new(0.5), Expire: new(0.5)}, Approval: profiles.Approval{ThinkMin: new(time.Second), ThinkMax: new(8 * time.Second)},
					Connections: profiles.Connections{Policy: "per-device"},
				})
				if err != nil {
					t.Fatal(err)
				}
				free, waited := make(chan struct{}), &atomic.Bool{}
				r := &run{o: Options{Plan: plan, Site: v.site(t), Approver: v, dial: v.dial}, settings: set, shards: 1, ledger: newLedger()}
				r.site = r.o.Site
				block(r, free, func() *atomic.Bool { return waited })
				time.AfterFunc(still, func() { close(free) })
				life, end := context.WithCancel(t.Context())
				r.transport = newTransport(life, &set, r.o, r.now)
				result := Result{Plan: plan}
				r.carryOut(t.Context(), life, &result)
				r.transport.Close()
				t1 := newTally()
				for _, s := range r.all {
					addUp(t1, s.tally)
				}
				end()
				synctest.Wait() // what was handed over last may not have come yet
				if !waited.Load() {
					t.Error("nothing was made to wait")
				}
				// Twelve polls a minute each, but for the one in the last interval.
				if n := t1.Intended; n < 200*9 {
					t.Errorf("%d polls of 200 devices within a minute", n)
				}
				if late := time.Duration(t1.Lateness.Max()) * time.Microsecond; late > time.Second {
					t.Errorf("a poll was dequeued %s late", late)
				}
				<-free
				if r.recorder != nil {
					_ = r.recorder.close()
				}
				r.ledger.close()
				synctest.Wait()
			})
		})
	}
}
