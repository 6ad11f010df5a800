package main

import (
	"fmt"
	"io"
	"os"

	"github.com/fatih/color"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// lookFlags say how much is printed and how.
type lookFlags struct {
	verbose    bool
	quiet      bool
	noProgress bool
	color      string
}

func (f *lookFlags) register(flags *pflag.FlagSet) {
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "print more, such as the evidence of warnings and the scenarios")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print less: of a run, only failures and the summary")
	flags.BoolVar(&f.noProgress, "no-progress", false, "no progress bar")
	flags.StringVar(&f.color, "color", "auto", "auto, always or never")
}

// look is the resolved form of lookFlags.
type look struct {
	verbose, quiet bool
	// progress says that a bar may be drawn on standard error.
	progress bool
	paint    paint
}

func (f *lookFlags) resolve(stderr io.Writer) (look, error) {
	l := look{verbose: f.verbose, quiet: f.quiet}
	l.progress = !f.noProgress && !f.quiet && isTerminal(stderr)
	switch f.color {
	case "auto":
		// color.NoColor knows NO_COLOR, TERM=dumb, and whether standard output is a terminal.
		l.paint = newPaint(!color.NoColor)
	case "always":
		l.paint = newPaint(true)
	case "never":
		l.paint = newPaint(false)
	default:
		return l, fmt.Errorf("--color must be auto, always or never, not %q", f.color)
	}
	return l, nil
}

// paint colours words, or leaves them alone.
type paint struct{ good, bad, caution, dim, bold func(...any) string }

func newPaint(on bool) paint {
	brush := func(attributes ...color.Attribute) func(...any) string {
		c := color.New(attributes...)
		if on {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c.SprintFunc()
	}
	return paint{
		good: brush(color.FgGreen), bad: brush(color.FgRed, color.Bold), caution: brush(color.FgYellow),
		dim: brush(color.Faint), bold: brush(color.Bold),
	}
}

// isTerminal says that w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns is the width of the terminal, or 80.
func columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}
