package loadgen

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync/atomic"
	"time"

	"github.com/devicegrant/devicegrant/loadgen/internal/transport"
)

// Record is one request of a run. Records are streamed to a file and never kept
// in memory: 32 bytes each, little-endian, after the line [RecordMagic]:
//
//	intended  int64   nanoseconds since the start
//	dequeued  uint32  microseconds after intended
//	written   uint32  microseconds after intended
//	answered  uint32  microseconds after intended
//	device    uint32  counts the devices of the run from 1
//	status    uint16  HTTP; 0: none
//	poll      uint16  counts the device's polls from 1; 0: its device authorization request
//	kind      uint8
//	outcome   uint8
//	failure   uint8
//	flags     uint8   1 sent again on a new connection, 2 in the measured window
type Record struct {
	Intended, Dequeued, Written, Answered time.Duration // since the start
	Device                                uint32
	Poll                                  uint16
	Status                                uint16
	Kind                                  string // issue or poll
	Outcome                               string // as in RequestCount.Answer
	Failure                               string // as in Transports.Failures; "": none
	Resent, Measured                      bool
}

// record is the same as it is written: instants in nanoseconds of the run's clock.
type record struct {
	intended, dequeued, written, answered int64
	device                                uint32
	poll, status                          uint16
	kind                                  kind
	outcome                               outcome
	failure                               transport.Failure
	resent, measured                      bool
}

// RecordMagic is the first line of a file of records.
const RecordMagic = "devicegrant/records/1\n"

const recordSize = 32

// recordBlock is how many bytes a shard collects before they are written.
const recordBlock = 8192 * recordSize

// after is the distance of two instants in microseconds, within bounds.
func after(intended, at int64) uint32 { return uint32(min(max(at-intended, 0)/1000, 1<<32-1)) }

func (r *record) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(r.intended))
	b = binary.LittleEndian.AppendUint32(b, after(r.intended, r.dequeued))
	b = binary.LittleEndian.AppendUint32(b, after(r.intended, r.written))
	b = binary.LittleEndian.AppendUint32(b, after(r.intended, r.answered))
	b = binary.LittleEndian.AppendUint32(b, r.device)
	b = binary.LittleEndian.AppendUint16(b, r.status)
	b = binary.LittleEndian.AppendUint16(b, r.poll)
	flags := uint8(0)
	if r.resent {
		flags |= 1
	}
	if r.measured {
		flags |= 2
	}
	return append(b, uint8(r.kind), uint8(r.outcome), uint8(r.failure), flags)
}

func parseRecord(b []byte) (Record, error) {
	in := time.Duration(binary.LittleEndian.Uint64(b))
	offset := func(at int) time.Duration {
		return in + time.Duration(binary.LittleEndian.Uint32(b[at:]))*time.Microsecond
	}
	k, o, failure, flags := kind(b[28]), outcome(b[29]), transport.Failure(b[30]), b[31]
	if k >= kinds || o >= outcomes || failure >= transport.FailureKinds {
		return Record{}, errors.New("the record has another version")
	}
	return Record{Intended: in, Dequeued: offset(8), Written: offset(12), Answered: offset(16),
		Device: binary.LittleEndian.Uint32(b[20:]), Status: binary.LittleEndian.Uint16(b[24:]), Poll: binary.LittleEndian.Uint16(b[26:]),
		Kind: k.String(), Outcome: o.String(), Failure: failure.String(), Resent: flags&1 != 0, Measured: flags&2 != 0}, nil
}

// Records reads what a run wrote, in the order in which the requests ended. The
// error is about the file; a last record that was cut off is dropped.
func Records(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		b := bufio.NewReaderSize(r, 1<<16)
		magic := make([]byte, len(RecordMagic))
		if _, err := io.ReadFull(b, magic); err != nil || string(magic) != RecordMagic {
			yield(Record{}, errors.New("this is not a records file"))
			return
		}
		var raw [recordSize]byte
		for {
			if _, err := io.ReadFull(b, raw[:]); err != nil {
				if err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
					yield(Record{}, fmt.Errorf("reading the records: %w", err))
				}
				return
			}
			record, err := parseRecord(raw[:])
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// recorder writes the blocks of all shards. Disks stall: the shards go on, and
// when as many blocks wait as there is room for, further records are lost.
type recorder struct {
	blocks, spare chan []byte
	done          chan error
	lost          atomic.Int64 // records
	written       atomic.Int64 // blocks
}

// recorderDepth is how many blocks may wait: four million records. recorderWait
// is how long a disk may take nothing, in the end.
const (
	recorderDepth = 512
	recorderWait  = 30 * time.Second
)

// newRecorder writes to w; nil: nowhere.
func newRecorder(w io.Writer) *recorder {
	if w == nil {
		return nil
	}
	r := &recorder{blocks: make(chan []byte, recorderDepth), spare: make(chan []byte, 4), done: make(chan error, 1)}
	go func() {
		_, err := io.WriteString(w, RecordMagic)
		for b := range r.blocks {
			if err == nil {
				_, err = w.Write(b)
			}
			r.written.Add(1)
			select {
			case r.spare <- b[:0]:
			default:
			}
		}
		r.done <- err
	}()
	return r
}

// hand passes a block on, and waits for nobody.
func (r *recorder) hand(block []byte) {
	select {
	case r.blocks <- block:
	default:
		r.lost.Add(int64(len(block) / recordSize))
	}
}

func (r *recorder) block() []byte {
	select {
	case b := <-r.spare:
		return b
	default:
		return make([]byte, 0, recordBlock)
	}
}

// close waits until everything is written.
func (r *recorder) close() error {
	if r == nil {
		return nil
	}
	close(r.blocks)
	for ended := false; !ended; {
		before := r.written.Load()
		select {
		case err := <-r.done:
			if err != nil {
				return fmt.Errorf("writing the records: %w", err)
			}
			ended = true
		case <-time.After(recorderWait):
			if r.written.Load() == before {
				return fmt.Errorf("writing the records: the disk accepted nothing for %s", recorderWait)
			}
		}
	}
	if lost := r.lost.Load(); lost > 0 {
		return fmt.Errorf("%d records are missing: the disk was too slow", lost)
	}
	return nil
}

// historiesOf reads the requests of some devices from a file of records.
func historiesOf(path string, devices map[uint32]bool) map[uint32][]HistoryLine {
	histories := map[uint32][]HistoryLine{}
	f, err := os.Open(path)
	if err != nil {
		return histories
	}
	defer f.Close()
	for r, err := range Records(f) {
		if err != nil {
			break
		}
		if h := histories[r.Device]; devices[r.Device] && len(h) < maxHistory {
			histories[r.Device] = append(h, HistoryLine{SentMS: milliseconds(int64(r.Written)), AnsweredMS: milliseconds(int64(r.Answered)),
				Kind: r.Kind, Answer: r.Outcome, Status: int(r.Status)})
		}
	}
	return histories
}

// maxHistory is how many requests of a counter-example are shown.
const maxHistory = 60
