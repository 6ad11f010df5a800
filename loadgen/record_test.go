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
	records := []Record{
		{Intended: time.Second, Popped: time.Second + time.Millisecond, Written: time.Second + 2*time.Millisecond, Answered: 3 * time.Second,
			Device: 7, Poll: 3, Status: 400, Kind: Poll, Outcome: Pending, Measured: true},
		{Intended: 5 * time.Hour, Popped: 5 * time.Hour, Written: 5 * time.Hour, Answered: 6 * time.Hour, Device: 1 << 31, Kind: Issue, Outcome: TimedOut, Fault: transport.FaultTimeout, Resent: true},
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
	if err != nil || len(got) != 2 || got[0] != records[0] || got[1] != records[1] {
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
				_ = r.Kind.String() + r.Outcome.String() + r.Fault.String()
			}
		}
	})
}
