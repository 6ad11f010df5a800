package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPagesAreFresh: the pages are those that the recordings and the arguments
// make now.
func TestPagesAreFresh(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := pages(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		} else if string(got) != want {
			t.Errorf("%s is stale: go run ./testdata/realservers", name)
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "testdata", "real-servers", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if pages["testdata/real-servers/"+filepath.Base(file)] == "" {
			t.Errorf("%s belongs to no server", file)
		}
	}
}
