package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegrant/devicegrant/fakeidp"
)

func TestScriptFiles(t *testing.T) {
	scripts, err := readScripts(filepath.Join("..", "..", "testdata", "scripts", "rough-network.yaml"))
	if err != nil || len(scripts) != 1 || len(scripts[0].Token) != 6 {
		t.Fatalf("%+v %v", scripts, err)
	}
	server := fakeidp.NewServer(fakeidp.Config{})
	defer server.Close()
	if err := server.Play(scripts...); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"- client: x\n  tokens: []": "unknown field",
		"client: x":                 "list",
		"- [":                       "did not find",
	} {
		file := filepath.Join(t.TempDir(), "bad.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readScripts(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
