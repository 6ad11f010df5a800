package fakeidp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// wantsJSON says that the client names JSON in its Accept header.
func (x *exchange) wantsJSON() bool {
	return strings.Contains(strings.Join(x.r.Header.Values("Accept"), ","), "application/json")
}

// acceptFaults: answers that depend on the Accept header.
var acceptFaults = []fault{
	{Fault{"F-ERR-02d", "errors-for-browsers", "An error is a redirect to the login page unless the client accepts JSON by name", Defect},
		see(func(x *exchange) {
			if x.failed() && x.r.Method == http.MethodPost && !x.wantsJSON() {
				x.status, x.header, x.answer = http.StatusFound, http.Header{"Location": {x.p.url(pathLogin)}}, nil
			}
		})},
	{Fault{"F-RESP-01b", "codes-as-a-form", "Codes come as a form unless the client accepts JSON by name", Defect},
		see(func(x *exchange) {
			o, ok := x.object()
			if !ok || !x.codes() || x.wantsJSON() {
				return
			}
			form := url.Values{}
			for name, value := range o {
				form.Set(name, fmt.Sprint(value))
			}
			x.answer = []byte(form.Encode())
			x.header.Set("Content-Type", formType)
		})},
	{Fault{"B83", "indented-for-people", "JSON is indented, and has a charset, unless the client accepts JSON by name", Benign},
		see(func(x *exchange) {
			var indented bytes.Buffer
			if x.spoken() && !x.wantsJSON() && json.Indent(&indented, x.answer, "", "  ") == nil {
				x.answer = indented.Bytes()
				x.header.Set("Content-Type", "application/json; charset=utf-8")
				x.header.Set("Vary", "Accept")
			}
		})},
}
