package report

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// maxResult bounds what is read of a result, after unpacking.
const maxResult = 512 << 20

// Read reads a result that WriteDir or WriteJSON wrote: a file, gzipped or not,
// the folder of a result.json, or "-" for stdin. A file of another kind, or
// with data after the result, is an error. Unknown members are ignored.
func Read(path string, stdin io.Reader) (Result, error) {
	name, in := path, stdin
	if path == "-" {
		name = "standard input"
	} else {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			name = filepath.Join(path, "result.json")
		}
		f, err := os.Open(name)
		if err != nil {
			return Result{}, fmt.Errorf("the result: %w", err)
		}
		defer f.Close()
		in = f
	}
	r, err := Decode(in)
	if err != nil {
		return Result{}, fmt.Errorf("%s is not a result.json: %w", name, err)
	}
	return r, nil
}

// Decode is [Read] for an open file.
func Decode(in io.Reader) (Result, error) {
	content := bufio.NewReader(in)
	if magic, _ := content.Peek(2); string(magic) == "\x1f\x8b" {
		unpacked, err := gzip.NewReader(content)
		if err != nil {
			return Result{}, err
		}
		content = bufio.NewReader(unpacked)
	}
	limited := &io.LimitedReader{R: content, N: maxResult}
	d := json.NewDecoder(limited)
	var r Result
	err := d.Decode(&r)
	switch {
	case limited.N <= 0:
		return Result{}, fmt.Errorf("it is longer than %d MiB", maxResult>>20)
	case errors.Is(err, io.EOF):
		return Result{}, errors.New("it is empty")
	case err != nil:
		return Result{}, err
	case r.Schema != Schema:
		return Result{}, fmt.Errorf("its schema is %s, not %q", strconv.QuoteToASCII(r.Schema[:min(len(r.Schema), 60)]), Schema)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Result{}, errors.New("extra data follows the result")
	}
	return r, nil
}
