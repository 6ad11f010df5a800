package report

import (
	"bytes"
	"embed"
	"html/template"
	"io"

	"github.com/devicegrant/devicegrant/loadgen"
)

//go:embed page
var pageFiles embed.FS

var (
	pageStyle     = mustRead("page/style.css")
	pageTemplates = template.Must(template.New("report.html").Funcs(pageFuncs).ParseFS(pageFiles, "page/*.html"))
)

func mustRead(name string) string {
	content, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(content)
}

// HTML writes a run as one self-contained page: no network, no scripts and no
// other files. The page is written completely or not at all.
func HTML(w io.Writer, r loadgen.Result) error {
	var out bytes.Buffer
	if err := pageTemplates.Execute(&out, newPage(cleaned(r))); err != nil {
		return err
	}
	_, err := out.WriteTo(w)
	return err
}
