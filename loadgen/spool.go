package loadgen

import (
	"encoding/binary"
	"io"
	"os"
	"time"
)

// spool keeps every answer with a token in a file, for the counter-examples. The
// file has no name, so that the secrets in it end with the run. It is written
// behind the shards, who wait for no disk: what does not fit is lost, and a
// counter-example has no exchange then.
type spool struct {
	file  io.ReadWriteSeeker
	texts chan spooled
	done  chan struct{}
	// finished says that nothing is written any more.
	finished bool
}

// spooled is an exchange of a device.
type spooled struct {
	device uint32
	text   []byte
}

const (
	maxSpool   = 256 << 20 // bytes in the file
	spoolDepth = 4096      // exchanges that may wait
	// spoolWait is how long the last of them are waited for.
	spoolWait = 10 * time.Second
)

// newSpool is nil without a folder for temporary files.
func newSpool() *spool {
	f, err := os.CreateTemp("", "devicegrant-ledger-*")
	if err != nil {
		return nil
	}
	_ = os.Remove(f.Name())
	return spoolTo(f)
}

func spoolTo(file io.ReadWriteSeeker) *spool {
	s := &spool{file: file, texts: make(chan spooled, spoolDepth), done: make(chan struct{})}
	go s.write()
	return s
}

// write takes exchanges to the file: device, length, bytes. After the first that
// cannot be written the others are dropped.
func (s *spool) write() {
	defer close(s.done)
	written, failed := 0, false
	for t := range s.texts {
		if failed || written > maxSpool {
			continue
		}
		b := binary.LittleEndian.AppendUint32(nil, t.device)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t.text)))
		n, err := s.file.Write(append(b, t.text...))
		written += n
		failed = err != nil
	}
}

// keep hands an exchange over, and waits for nobody.
func (s *spool) keep(device uint32, text []byte) {
	if s == nil {
		return
	}
	select {
	case s.texts <- spooled{device, text}:
	default:
	}
}

// finish waits for what was handed over, and says that it can be read.
func (s *spool) finish() bool {
	if !s.finished {
		s.finished = true
		close(s.texts)
	}
	select {
	case <-s.done:
		return true
	case <-time.After(spoolWait):
		return false
	}
}

// mostExamples is how many exchanges of a device are shown.
const mostExamples = 4

// of reads the exchanges of some devices.
func (s *spool) of(wanted map[uint32]bool) map[uint32][]string {
	found := map[uint32][]string{}
	if s == nil || !s.finish() {
		return found
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return found
	}
	var header [8]byte
	for {
		if _, err := io.ReadFull(s.file, header[:]); err != nil {
			return found
		}
		device, n := binary.LittleEndian.Uint32(header[:]), binary.LittleEndian.Uint32(header[4:])
		text := make([]byte, n)
		if _, err := io.ReadFull(s.file, text); err != nil {
			return found
		}
		if wanted[device] && len(found[device]) < mostExamples {
			found[device] = append(found[device], string(text))
		}
	}
}

// close ends the file. One that is still being written to is left alone.
func (s *spool) close() {
	if s == nil || !s.finish() {
		return
	}
	if f, ok := s.file.(io.Closer); ok {
		_ = f.Close() // it has no name any more
	}
}
