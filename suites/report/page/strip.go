package page

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	_ "image/png" // a driver may write either
	"io"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/image/draw"

	"github.com/devicegrant/devicegrant/suites/transcript"
)

// journey is one visit of the end user at the second screen, as a film strip.
type journey struct {
	Name, Goal, Outcome, Driver string
	Start                       string
	Frames                      []frame
	More                        int // pages that are not shown
	Trouble                     []string
	Leaks                       []string
}

// frame is one page that was seen.
type frame struct {
	N                       int
	Page, Action, URL       string
	Status                  int
	Took, Alert, Why, Title string
	// Picture is a data: URL, "" without one.
	Picture       template.URL
	Width, Height int
}

// Bounds of what is shown of a journey.
const (
	maxFrames  = 12
	thumbWidth = 320
	maxPicture = 2 << 20 // bytes of a file
	maxPixels  = 4 << 20
)

// album gives the pictures of a run's folder, as many as are left.
type album struct {
	files fs.FS
	left  int
}

func (a *album) journey(j transcript.Journey) journey {
	out := journey{
		Name: clip(j.Name, 120), Goal: clip(string(j.Goal), 60), Outcome: clip(string(j.Outcome), 60), Driver: clip(j.Driver, 40), Start: clip(j.Start, 400),
		More: max(0, len(j.Steps)-maxFrames),
	}
	for _, s := range j.Steps[:min(len(j.Steps), maxFrames)] {
		f := frame{
			N: s.N, Page: clip(s.Page, 60), Action: clip(s.Action, 300), URL: clip(s.URL, 400), Status: s.Status,
			Took: milliseconds(s.TookMS), Alert: clip(s.Alert, 300), Why: clip(s.Reason, 200), Title: clip(s.Title, 120),
		}
		f.Picture, f.Width, f.Height = a.picture(s.File)
		out.Frames = append(out.Frames, f)
	}
	if j.Trouble != nil {
		out.Trouble = strings.Split(clip(j.Trouble.Error(), 3000), "\n")
	}
	for _, leak := range j.Leaks[:min(len(j.Leaks), 8)] {
		out.Leaks = append(out.Leaks, fmt.Sprintf("%s in the %s: %s", clip(leak.Needle, 100), clip(leak.Where, 100), clip(leak.URL, 300)))
	}
	return out
}

// picture makes a small picture of a file. One that cannot be read is left out:
// result.json names it still.
func (a *album) picture(file string) (data template.URL, width, height int) {
	if a.files == nil || a.left <= 0 || file == "" {
		return "", 0, 0
	}
	f, err := a.files.Open(path.Clean(file))
	if err != nil {
		return "", 0, 0
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxPicture))
	if err != nil {
		return "", 0, 0
	}
	small, size, err := thumbnail(content)
	if err != nil {
		return "", 0, 0
	}
	a.left--
	// Base64 of bytes that we encoded ourselves: nothing of the target's is left.
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(small)), size.X, size.Y
}

// thumbnail decodes a picture, and encodes it anew no wider than thumbWidth.
func thumbnail(content []byte) ([]byte, image.Point, error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, image.Point{}, err
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > maxPixels/config.Height {
		return nil, image.Point{}, fmt.Errorf("the picture has %d by %d pixels", config.Width, config.Height)
	}
	full, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, image.Point{}, err
	}
	size := image.Pt(config.Width, config.Height)
	if size.X > thumbWidth {
		size = image.Pt(thumbWidth, max(1, size.Y*thumbWidth/size.X))
	}
	small := image.NewRGBA(image.Rectangle{Max: size})
	draw.ApproxBiLinear.Scale(small, small.Bounds(), full, full.Bounds(), draw.Src, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: 60}); err != nil {
		return nil, image.Point{}, err
	}
	return out.Bytes(), size, nil
}
