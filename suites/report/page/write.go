package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"

	"github.com/devicegrant/devicegrant/suites/report"
)

// MaxSize is the maximum length of a page, in bytes.
const MaxSize = 2_000_000

var (
	//go:embed style.css
	style string
	//go:embed filter.js
	script string
	//go:embed *.html
	files embed.FS

	templates = template.Must(template.New("page.html").ParseFS(files, "*.html"))
)

// policy allows the page its own style and script, and pictures inside it.
var policy = fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; img-src data:; base-uri 'none'; form-action 'none'", hash(style), hash(script))

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// limits are how much of the evidence a page shows.
type limits struct {
	text     int // bytes of any other text
	findings int // of one check
	body     int // bytes of a body
	headers  int // headers of a message
	cited    int // exchanges shown at one finding
	pictures int // of all journeys together
	talk     int // exchanges of one conversation
}

// tighter are the limits to try, one after the other, until the page fits.
var tighter = []limits{
	{text: 6000, findings: 12, body: 4000, headers: 40, cited: 4, pictures: 80, talk: 400},
	{text: 3000, findings: 12, body: 1200, headers: 30, cited: 3, pictures: 50, talk: 150},
	{text: 1500, findings: 8, body: 400, headers: 20, cited: 2, pictures: 25, talk: 60},
	{text: 600, findings: 4, body: 150, headers: 10, cited: 1, pictures: 10, talk: 15},
	{text: 200, findings: 1, body: 60, headers: 4, cited: 1},
}

// Write writes the page of a run. evidence is the folder of its result.json,
// for the screenshots of journeys; nil: without screenshots. The page is written
// completely or not at all.
func Write(w io.Writer, r report.Result, evidence fs.FS) error {
	var out bounded
	for i, l := range tighter {
		out.page.Reset()
		out.anySize = i == len(tighter)-1
		err := templates.Execute(&out, newPage(r, evidence, l))
		if errors.Is(err, errTooLong) {
			continue
		}
		if err != nil {
			return fmt.Errorf("the page of the run: %w", err)
		}
		break
	}
	_, err := out.page.WriteTo(w)
	return err
}

// bounded is a page that ends where it gets too long: the rest of one that will
// be made anew, with tighter limits, need not be made.
type bounded struct {
	page    bytes.Buffer
	anySize bool
}

var errTooLong = errors.New("the page is too long")

func (b *bounded) Write(p []byte) (int, error) {
	if !b.anySize && b.page.Len()+len(p) > MaxSize {
		return 0, errTooLong
	}
	return b.page.Write(p)
}
