package scenario

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/url"

	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// withQuery appends parameters to an endpoint's own query.
func withQuery(endpoint string, form wire.Form) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += form.Encode()
	return u.String()
}

// otherBody is a request body of another media type, with the same content.
type otherBody struct {
	name, mediaType string
	bytes           []byte
}

// otherTypes renders a form in the media types that RFC 6749 appendix B does
// not name, and last in the right one with a charset parameter.
func otherTypes(form wire.Form) []otherBody {
	object := make(map[string]string, len(form))
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	for _, p := range form {
		object[p.Name] = p.Value
		// Writes to a bytes.Buffer do not fail.
		_ = w.WriteField(p.Name, p.Value)
	}
	_ = w.Close()
	asJSON, _ := json.Marshal(object)
	encoded := []byte(form.Encode())
	return []otherBody{
		{"json", "application/json", asJSON},
		{"text", "text/plain", encoded},
		{"multipart", w.FormDataContentType(), parts.Bytes()},
		{"none", "", encoded},
		{labels.Charset, wire.FormType + "; charset=UTF-8", encoded},
	}
}
