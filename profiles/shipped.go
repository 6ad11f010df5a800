package profiles

import (
	"embed"
	"io/fs"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

//go:embed *.yaml
var shipped embed.FS

// Names lists the shipped profiles in alphabetical order.
func Names() []string {
	files, err := fs.Glob(shipped, "*.yaml")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(file, ".yaml")
	}
	slices.Sort(files)
	return files
}

// Shipped returns the text of a shipped profile, to copy or to load. The error
// for an unknown name is an *Error that suggests the nearest one.
func Shipped(name string) ([]byte, error) {
	if !slices.Contains(Names(), name) {
		return nil, newError([]Problem{{
			File:    name,
			Message: "no shipped profile has this name",
			Hint:    didYouMean(name, Names()) + " To load a file, write its extension or ./" + name,
		}})
	}
	return shipped.ReadFile(name + ".yaml")
}

// Describe returns the title of a shipped profile, or "" for an unknown name.
func Describe(name string) string {
	text, err := Shipped(name)
	if err != nil {
		return ""
	}
	var head struct {
		Title string `yaml:"title"`
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return ""
	}
	return head.Title
}
