package fakeidp

import (
	"net/http"
	"sync/atomic"
)

// spoken says that the answer is a JSON object of the two endpoints, or the metadata.
func (x *exchange) spoken() bool { return x.codes() || x.tokens() || x.failed() || x.document() }

// speaking makes a fault out of a look at those answers.
func speaking(change func(x *exchange)) func() behaviour {
	return see(func(x *exchange) {
		if x.spoken() {
			change(x)
		}
	})
}

// byteFaults: what lies between an answer's bytes and the JSON in it.
var byteFaults = []fault{
	{Fault{"F-RESP-02", "byte-order-mark", "A byte order mark precedes the JSON of codes, tokens, errors and metadata", Defect},
		speaking(func(x *exchange) { x.answer = append([]byte("\xef\xbb\xbf"), x.answer...) })},
	{Fault{"F-RESP-02b", "not-compressed", "Content-Encoding says gzip, and the JSON is plain", Defect},
		speaking(func(x *exchange) { x.header.Set("Content-Encoding", "gzip") })},
	{Fault{"F-RESP-02c", "wide-charset", "Content-Type says UTF-16, and the JSON is UTF-8", Defect},
		speaking(func(x *exchange) { x.header.Set("Content-Type", "application/json; charset=utf-16") })},
	{Fault{"F-RESP-02d", "codes-too-short", "Content-Length of the device authorization response is too large", Defect},
		see(func(x *exchange) {
			if x.codes() {
				x.owed = 7
			}
		})},
	{Fault{"F-TOKEN-09b", "tokens-too-short", "Content-Length of the token response is too large", Defect},
		see(func(x *exchange) {
			if x.tokens() {
				x.owed = 1
			}
		})},
	{Fault{"F-ERR-02b", "refusals-too-short", "Content-Length of invalid_grant is too large", Defect},
		see(func(x *exchange) {
			if x.failed() && x.oauthError() == "invalid_grant" {
				x.owed = 1
			}
		})},
	{Fault{"B80", "latin-by-name", "Content-Type says ISO-8859-1, Content-Encoding says identity, and all is ASCII", Benign},
		speaking(func(x *exchange) {
			x.header.Set("Content-Type", "application/json;charset=ISO-8859-1")
			x.header.Set("Content-Encoding", "identity")
		})},
	{Fault{"B81", "last-bytes-lost", "One answer of thirty is lost after its object and before its end", Benign}, lateLoss},
}

// lateLoss is a connection that is lost now and then, behind all that is to be read.
func lateLoss() behaviour {
	var n atomic.Int64
	return behaviour{response: func(x *exchange) {
		if x.r.Method == http.MethodPost && x.failed() && n.Add(1)%30 == 0 {
			x.owed = 2
		}
	}}
}
