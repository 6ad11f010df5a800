package fakeidp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// exchange is one request and its answer, as faults see them. It holds the
// whole of both, so that either can be changed.
type exchange struct {
	p *IdP
	// r is the request; its body is in body, and put back by serve.
	r    *http.Request
	body []byte
	// path is below the path of the issuer: /token.
	path string
	// form are the parameters of the body, query those of the URL, read
	// leniently: all values of a name, in order.
	form, query url.Values

	status int
	header http.Header
	answer []byte
	// delay comes before the answer; hangUp ends the connection instead of it,
	// and cut in the middle of it.
	delay       time.Duration
	hangUp, cut bool
	// owed is by how much Content-Length is more than the answer.
	owed int
}

// maxOddBody bounds what is read while a fault is on. It is more than the
// endpoints take, so that they still see what is too large for them.
const maxOddBody = 2 << 20

func newExchange(p *IdP, r *http.Request) (*exchange, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOddBody+1))
	if err != nil || len(body) > maxOddBody {
		return nil, errors.New("fakeidp: the request body could not be read")
	}
	x := &exchange{p: p, r: r.Clone(r.Context()), body: body, path: strings.TrimPrefix(r.URL.Path, p.basePath), header: http.Header{}}
	x.form, _ = url.ParseQuery(string(body)) // leniently: what can be read
	x.query = r.URL.Query()
	return x, nil
}

// client names whose request this is: by client_id or HTTP Basic, or the owner
// of a device code, a user code, or the code that the browser entered last.
func (x *exchange) client() string {
	if id := x.form.Get("client_id"); id != "" {
		return id
	}
	if id, _, ok := basicCredentials(x.r.Header.Get("Authorization")); ok {
		return id
	}
	for _, values := range []url.Values{x.form, x.query} {
		if id := values.Get("client_id"); id != "" {
			return id
		}
		for _, name := range []string{"device_code", "user_code"} {
			if code := values.Get(name); code != "" {
				if g, err := x.p.find(code); err == nil {
					return g.client.ID
				}
			}
		}
	}
	if s := x.p.session(x.r); s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if n := len(s.entered); n > 0 {
			return s.entered[n-1].grant.client.ID
		}
	}
	return ""
}

// post says that this is a POST to a path.
func (x *exchange) post(path string) bool { return x.r.Method == http.MethodPost && x.path == path }

// setForm changes a parameter of the body; "" takes it away.
func (x *exchange) setForm(name, value string) {
	x.form.Del(name)
	if value != "" {
		x.form.Set(name, value)
	}
	x.body = []byte(x.form.Encode())
}

// serve has the real server answer the request as it stands now.
func (x *exchange) serve() {
	x.r.Body = io.NopCloser(bytes.NewReader(x.body))
	x.r.ContentLength = int64(len(x.body))
	recorder := &recorder{header: http.Header{}}
	x.p.mux.ServeHTTP(recorder, x.r)
	x.status, x.header, x.answer = recorder.status, recorder.header, recorder.body.Bytes()
	if x.status == 0 {
		x.status = http.StatusOK
	}
}

// again serves another request with the same connection and headers, and
// returns its answer; the exchange stays as it is.
func (x *exchange) again(method, target string, form url.Values) *exchange {
	other := *x
	other.r = x.r.Clone(x.r.Context())
	other.r.Method = method
	if u, err := url.Parse(target); err == nil {
		other.r.URL = u
	}
	other.path = strings.TrimPrefix(other.r.URL.Path, x.p.basePath)
	other.query, other.form = other.r.URL.Query(), form
	other.body = []byte(form.Encode())
	if method == http.MethodPost {
		other.r.Header.Set("Content-Type", formType)
	}
	other.serve()
	return &other
}

// reply makes an answer in JSON.
func (x *exchange) reply(status int, v any) {
	x.status, x.header = status, http.Header{}
	setHeaders(x.header)
	x.answer, _ = json.Marshal(v) // of the faults' own making
}

// refuse answers with an OAuth error.
func (x *exchange) refuse(status int, code string) {
	x.reply(status, map[string]string{"error": code})
}

// oauthError is the error of the answer, "" when it has none.
func (x *exchange) oauthError() string {
	var o struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(x.answer, &o) // no JSON, no error
	return o.Error
}

// isJSON says that the answer is a JSON object.
func (x *exchange) object() (map[string]any, bool) {
	var o map[string]any
	d := json.NewDecoder(bytes.NewReader(x.answer))
	d.UseNumber()
	return o, d.Decode(&o) == nil && o != nil
}

// edit changes the members of the answer's JSON object, if it is one.
func (x *exchange) edit(change func(o map[string]any)) {
	if o, ok := x.object(); ok {
		change(o)
		x.answer, _ = json.Marshal(o) // it was JSON
	}
}

// replace changes a text in the answer.
func (x *exchange) replace(old, with string) {
	x.answer = bytes.ReplaceAll(x.answer, []byte(old), []byte(with))
}

// send gives the answer to the client.
func (x *exchange) send(w http.ResponseWriter) {
	if x.delay > 0 {
		select {
		case <-time.After(x.delay):
		case <-x.r.Context().Done():
		}
	}
	if x.hangUp {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), x.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(x.answer)+x.owed))
	w.WriteHeader(x.status)
	if x.cut {
		_, _ = w.Write(x.answer[:len(x.answer)/2])
		panic(http.ErrAbortHandler)
	}
	// What can fail here is only the connection.
	_, _ = w.Write(x.answer)
}

// An exchange is an answer in the making, so that the pages can be rendered
// into it.
var _ http.ResponseWriter = (*exchange)(nil)

// Header implements http.ResponseWriter.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) { x.status = status }

// Write implements http.ResponseWriter.
func (x *exchange) Write(b []byte) (int, error) {
	x.answer = append(x.answer, b...)
	return len(b), nil
}

// recorder keeps an answer.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
