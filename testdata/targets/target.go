package targets

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Target is a server that this package can start: a folder with a target.yaml.
type Target struct {
	// Name is that of the folder.
	Name string `yaml:"-"`
	// Profile is the name of the shipped profile, which is Name, or the path of
	// the folder's own profile.yaml.
	Profile string `yaml:"-"`
	// Title and Version as its makers write them, and the registry it is from.
	Title   string `yaml:"title"`
	Version string `yaml:"version"`
	From    string `yaml:"from"`
	// Configured says how, for readers of the table of all servers.
	Configured string `yaml:"configured"`
	// Remark is what a reader of the table should know beside its cells; may be
	// empty.
	Remark string `yaml:"remark"`
	// Cells replace what the table says of a check, where the set-up and not the
	// server would answer: by check.
	Cells map[string]string `yaml:"cells"`
	// Set are the profile keys that a run needs beside base_url. In the values
	// ${short} is the URL of the instance with short-lived codes, and ${folder}
	// the target's folder.
	Set map[string]string `yaml:"set"`
	// Load are further arguments of a load run: how it approves.
	Load []string `yaml:"load"`
}

// All are the targets, by name. Root is the folder of this package.
func All(root string) ([]Target, error) {
	files, err := filepath.Glob(filepath.Join(root, "*", "target.yaml"))
	if err != nil {
		return nil, err
	}
	var list []Target
	for _, file := range files {
		folder := filepath.Dir(file)
		one := Target{Name: filepath.Base(folder), Profile: filepath.Base(folder)}
		if own := filepath.Join(folder, "profile.yaml"); exists(own) {
			one.Profile = own
		}
		if err := decode(file, &one); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// Named is the target of that name.
func Named(t testing.TB, name string) Target {
	t.Helper()
	all, err := All(root(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if one.Name == name {
			return one
		}
	}
	t.Fatalf("there is no target %q", name)
	return Target{}
}

// Start starts the server as a whole run needs it: with a second instance whose
// codes live shortly, where no client of the first has such codes.
func (g Target) Start(t testing.TB) *Server {
	t.Helper()
	var s *Server
	short := ""
	// Long enough for a page to be opened, filled and sent while the code lives.
	pair := func(start func(testing.TB, Options) *Server, lifetime int) {
		s = start(t, Options{})
		short = start(t, Options{ExpiresIn: lifetime, Interval: 3, Secrets: s.Env}).BaseURL
	}
	switch g.Name {
	case "oidc-provider":
		pair(OIDCProvider, 24)
	case "glewlwyd":
		pair(Glewlwyd, 30)
	default:
		s, short = g.installed(t)
	}
	s.Args = []string{"--profile", g.Profile, "--set", "base_url=" + s.BaseURL}
	values := strings.NewReplacer("${short}", short, "${folder}", filepath.Join(root(t), g.Name))
	for _, key := range slices.Sorted(maps.Keys(g.Set)) {
		s.Args = append(s.Args, "--set", key+"="+values.Replace(g.Set[key]))
	}
	return s
}

// installed is one of the larger servers, with its second instance.
func (g Target) installed(t testing.TB) (s *Server, short string) {
	t.Helper()
	if !exists(filepath.Join(cache(t), g.Name, ".installed")) {
		missing(t, g.Name+" is not installed", "make servers ONLY="+g.Name)
	}
	s = &Server{Profile: g.Name, Env: Options{}.secrets()}
	return s, s.byScript(t, true)
}

// cache is where setup.sh installs the larger servers.
func cache(t testing.TB) string {
	if named := os.Getenv("DEVICEGRANT_TEST_CACHE"); named != "" {
		return named
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "devicegrant-tests")
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func decode(file string, into any) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
