package scenario

import (
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// accepts are the Accept headers of clients that take any media type, and of those
// that name none: many HTTP libraries do either. The RFCs have one type for the answer.
var accepts = []struct{ name, value string }{{labels.Any, "*/*"}, {labels.None, ""}}

// accepting sends a request with each of them.
func accepting(r wire.Request, send func(wire.Request) wire.Exchange) {
	for _, accept := range accepts {
		acceptOnly(r, accept.name, accept.value, send)
	}
}

// acceptOnly sends a request with one of them. What is no JSON is asked for once more
// under the same label: a fault happens twice.
func acceptOnly(r wire.Request, name, value string, send func(wire.Request) wire.Exchange) {
	r.Label, r.Header = labels.Join(r.Label, name), r.Header.Clone()
	r.Header.Del("Accept")
	if value != "" {
		r.Header.Set("Accept", value)
	}
	x := send(r)
	if _, err := x.Literal(); x.Answered() && (err != nil || !strings.HasPrefix(x.Header("Content-Type"), "application/json")) {
		send(r)
	}
}
