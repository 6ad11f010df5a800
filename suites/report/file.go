package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile writes a file atomically: it writes a temporary file next to it and
// renames that when every byte is on disk. On any error, an older file stays
// unchanged.
func WriteFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	defer os.Remove(f.Name()) // nothing is there any more when all went well
	b := bufio.NewWriterSize(f, 64<<10)
	err = write(b)
	err = errors.Join(err, b.Flush(), f.Chmod(0o644), f.Sync())
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	return nil
}

// withoutPath leaves out the path of a temporary file.
func withoutPath(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) {
		return l.Err
	}
	return err
}

// room is what has to fit into a folder before a run begins.
const room = 1 << 20 // bytes

// TryFolder creates a folder and checks that files can be written there, so
// that a run does not fail only when it writes its result. It leaves no files
// behind.
func TryFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot create the folder %s: %w", dir, withoutPath(err))
	}
	f, err := os.CreateTemp(dir, ".devicegrant-*")
	if err != nil {
		return fmt.Errorf("cannot write to the folder %s: %w", dir, withoutPath(err))
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, room))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot write a file of %d MiB to the folder %s: %w", room>>20, dir, withoutPath(err))
	}
	return nil
}
