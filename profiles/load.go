package profiles

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Options change how a profile is loaded. The zero value is the usual way.
type Options struct {
	// Set are overrides "key=value" in order, with the keys of the profile:
	// "base_url=https://idp.example.com", "clients.public.id=my-device",
	// "scopes.0=openid" (an element), "scopes=[openid, email]" (a list).
	Set []string
	// NoSecrets does not read secrets, to look at a profile without its
	// environment. Nothing is dropped then.
	NoSecrets bool
	// Getenv reads the environment. Default: os.Getenv.
	Getenv func(string) string
	// ReadFile reads the profile and the files that it refers to. Default:
	// os.ReadFile, but limited to the maximum size of a profile.
	ReadFile func(string) ([]byte, error)
}

// Load reads a profile: a shipped one by its name, or a file. A file name
// contains a path separator or an extension. The error is an *Error with all
// problems.
func Load(nameOrFile string, o Options) (*Profile, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.ReadFile == nil {
		o.ReadFile = readBounded
	}
	source, name, dir, text, err := locate(nameOrFile, o.ReadFile)
	if err != nil {
		return nil, err
	}
	d := parse(source, text)
	if d.root == nil {
		return nil, newError(d.problems)
	}
	for _, override := range o.Set {
		d.set(override)
	}
	d.vars = newVariables(d)

	p := &Profile{}
	d.fill("", d.root, reflect.ValueOf(p).Elem(), "")
	p.Source, p.origins = source, d.origins()
	p.Name = cmp.Or(p.Name, name)
	p.BaseURL = strings.TrimSuffix(p.BaseURL, "/")
	for _, path := range []*string{&p.TLS.CAFile, &p.TLS.CertFile, &p.TLS.KeyFile} {
		*path = below(dir, *path)
	}
	if hook := p.Verification.Hook; hook != nil && len(hook.Command) > 0 {
		hook.Command[0] = program(dir, hook.Command[0])
	}
	d.setDefaults(p)
	d.validate(p)
	if !o.NoSecrets {
		d.checkTLSFiles(p, o.ReadFile)
		d.resolveSecrets(p, secretReader{getenv: o.Getenv, readFile: o.ReadFile, dir: dir})
		d.checkAccounts(p)
	}
	if err := newError(d.problems); err != nil {
		return nil, err
	}
	return p, nil
}

// locate finds the profile's text, what to call it, and the folder that its
// relative paths start from.
func locate(nameOrFile string, readFile func(string) ([]byte, error)) (source, name, dir string, text []byte, err error) {
	if filepath.Ext(nameOrFile) == "" && !strings.ContainsRune(nameOrFile, os.PathSeparator) {
		text, err = Shipped(nameOrFile)
		return "builtin:" + nameOrFile, nameOrFile, ".", text, err
	}
	text, err = readFile(nameOrFile)
	if err != nil {
		// The path of a PathError would stand there twice.
		var pathError *os.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		return "", "", "", nil, newError([]Problem{{File: nameOrFile, Message: "cannot read the profile: " + err.Error()}})
	}
	base := filepath.Base(nameOrFile)
	return nameOrFile, strings.TrimSuffix(base, filepath.Ext(base)), filepath.Dir(nameOrFile), text, nil
}

// below resolves a path that stands in a profile of the folder dir.
func below(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// program resolves a hook's program. A bare name is looked up in PATH when it
// is run, so one that is not bare has to keep a separator.
func program(dir, name string) string {
	if !strings.ContainsRune(name, filepath.Separator) {
		return name
	}
	path := below(dir, name)
	if !strings.ContainsRune(path, filepath.Separator) {
		path = "." + string(filepath.Separator) + path
	}
	return path
}

// readBounded reads one byte more than a profile may have at most.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, nil
}
