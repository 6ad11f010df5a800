package loadgen

import (
	"bytes"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
)

// TestRecords: what is written is read again, and a file that was cut off ends
// with its last whole record.
func TestRecords(t *testing.T) {
	records := []record{
		{intended: 1e9, dequeued: 1e9 + 1e6, written: 1e9 + 2e6, answered: 3e9, device: 7, poll: 3, status: 400, kind: kindPoll, outcome: outcomePending, measured: true},
		{intended: 18_000e9, dequeued: 18_000e9, written: 18_000e9, answered: 21_600e9, device: 1 << 31, kind: kindIssue, outcome: outcomeTimedOut, failure: transport.FailureTimeout, resent: true},
	}
	want := []Record{
		{Intended: time.Second, Dequeued: time.Second + time.Millisecond, Written: time.Second + 2*time.Millisecond, Answered: 3 * time.Second,
			Device: 7, Poll: 3, Status: 400, Kind: "poll", Outcome: "authorization_pending", Measured: true},
		{Intended: 5 * time.Hour, Dequeued: 5 * time.Hour, Written: 5 * time.Hour, Answered: 6 * time.Hour, Device: 1 << 31, Kind: "issue", Outcome: "timeout", Failure: "timeout", Resent: true},
	}
	var file bytes.Buffer
	r := newRecorder(&file)
	block := r.block()
	for _, one := range records {
		block = one.append(block)
	}
	r.blocks <- block
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	if file.Len() != len(RecordMagic)+2*recordSize {
		t.Errorf("%d bytes", file.Len())
	}
	read := func(b []byte) (got []Record, err error) {
		for one, problem := range Records(bytes.NewReader(b)) {
			if err = problem; err == nil {
				got = append(got, one)
			}
		}
		return got, err
	}
	got, err := read(file.Bytes())
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := read(file.Bytes()[:file.Len()-1]); err != nil || len(got) != 1 {
		t.Errorf("cut off: %+v %v", got, err)
	}
	if _, err := read([]byte("something else, and long enough")); err == nil {
		t.Error("any file is one of records")
	}
}

// FuzzRecords: any file is read without a panic.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(RecordMagic + string(make([]byte, recordSize))))
	f.Add([]byte(RecordMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		for r, err := range Records(bytes.NewReader(b)) {
			if err == nil {
				_ = r.Kind + r.Outcome + r.Failure
			}
		}
	})
}
