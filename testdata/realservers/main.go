// Command realservers writes the public table of real authorization servers
// from their recorded runs, testdata/real-servers.md, beside it a page of
// evidence for each, and in the head of each shipped profile the version that it
// was last held against. Run it at the top of the repository:
//
//	go run ./testdata/realservers
//
// It needs no server: make servers records the runs.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

func main() {
	if err := writeAll("."); err != nil {
		fmt.Fprintln(os.Stderr, "realservers:", err)
		os.Exit(1)
	}
}

func writeAll(root string) error {
	pages, err := pages(root)
	if err != nil {
		return err
	}
	for name, content := range pages {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pages are all files, by their names below root.
func pages(root string) (map[string]string, error) {
	servers, err := read(filepath.Join(root, "testdata"))
	if err != nil {
		return nil, err
	}
	pages := map[string]string{"testdata/real-servers.md": table(servers)}
	for _, s := range servers {
		pages["testdata/real-servers/"+s.Name+".md"] = evidence(s)
		if s.Profile != s.Name {
			continue
		}
		name := "profiles/" + s.Name + ".yaml"
		profile, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		pages[name] = held(string(profile), s)
	}
	return pages, nil
}

// heldLine is the machine-written line in a profile's head.
var heldLine = regexp.MustCompile(`\A# Last held against .*\n`)

// held writes it anew.
func held(profile string, s server) string {
	return fmt.Sprintf("# Last held against %s %s on %s; written by make servers.\n", s.Title, s.Version, s.date()) +
		heldLine.ReplaceAllString(profile, "")
}
