package loadgen

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles"
)

// virtual is an authorization server on net.Pipe, for runs on the virtual clock
// of testing/synctest. It keeps time strictly: a poll before the interval in
// force is told slow_down, and that interval grows by five seconds each time.
type virtual struct {
	interval, lifetime time.Duration
	// before, when set, is called before each answer.
	before func(*http.Request)
	// most, when set, is how many grants it remembers.
	most int
	// answer, when set, may answer a poll in the server's place.
	answer func(g *virtualGrant, at time.Time) (status int, body string)

	mu     sync.Mutex
	grants map[string]*virtualGrant
	users  map[string]*virtualGrant
	polls  []virtualPoll
	issued int
	frozen chan struct{} // nil: not
}

type virtualGrant struct {
	n              int
	issued, last   time.Time
	interval       time.Duration
	approved, done bool
	denied         bool
}

type virtualPoll struct {
	n      int
	at     time.Time
	answer string
}

func newVirtual(interval, lifetime time.Duration) *virtual {
	return &virtual{interval: interval, lifetime: lifetime, grants: map[string]*virtualGrant{}, users: map[string]*virtualGrant{}}
}

// dial is a connection to it.
func (v *virtual) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go v.serve(server)
	return client, nil
}

func (v *virtual) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for read := strictly; ; read = quickly {
		r, err := read(in)
		if err != nil {
			return
		}
		v.mu.Lock()
		frozen := v.frozen
		v.mu.Unlock()
		if frozen != nil {
			<-frozen
		}
		if v.before != nil {
			v.before(r)
		}
		status, body := v.handle(r)
		if _, err := fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body); err != nil {
			return
		}
	}
}

// strictly reads the first request of a connection, as net/http does.
func strictly(in *bufio.Reader) (*http.Request, error) {
	r, err := http.ReadRequest(in)
	if err != nil {
		return nil, err
	}
	return r, r.ParseForm()
}

// quickly reads the others, which are made in the same way: half the time of
// a run of 200,000 requests would be their headers.
func quickly(in *bufio.Reader) (*http.Request, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	words := strings.Fields(line)
	if len(words) != 3 || words[0] != http.MethodPost || words[2] != "HTTP/1.1" {
		return nil, fmt.Errorf("the line %q begins no request", line)
	}
	length := -1
	for {
		header, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if header = bytes.TrimRight(header, "\r\n"); len(header) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(header, []byte(": ")); bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, errors.New("the request has no length")
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	return &http.Request{Method: words[0], URL: &url.URL{Path: words[1]}, Form: form}, err
}

func (v *virtual) handle(r *http.Request) (int, string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	if r.URL.Path == "/device" {
		v.issued++
		g := &virtualGrant{n: v.issued, issued: now, interval: v.interval}
		code, user := fmt.Sprintf("code+%06d", g.n), fmt.Sprintf("USER-%06d", g.n)
		v.grants[code], v.users[user] = g, g
		if v.most > 0 {
			delete(v.grants, fmt.Sprintf("code+%06d", g.n-v.most))
		}
		body, _ := json.Marshal(map[string]any{"device_code": code, "user_code": user, "verification_uri": "https://as.example/device",
			"expires_in": v.lifetime.Seconds(), "interval": v.interval.Seconds()})
		return 200, string(body)
	}
	g := v.grants[r.Form.Get("device_code")]
	if g == nil {
		return 400, `{"error":"invalid_grant"}`
	}
	status, body := 400, ""
	if v.answer != nil {
		status, body = v.answer(g, now)
	}
	if body == "" {
		status, body = v.strict(g, now)
	}
	v.polls = append(v.polls, virtualPoll{g.n, now, body})
	return status, body
}

func (v *virtual) strict(g *virtualGrant, now time.Time) (int, string) {
	early := !g.last.IsZero() && now.Sub(g.last) < g.interval
	g.last = now
	switch {
	case g.done:
		return 400, `{"error":"invalid_grant"}`
	case g.denied:
		return 400, `{"error":"access_denied"}`
	case now.Sub(g.issued) >= v.lifetime:
		return 400, `{"error":"expired_token"}`
	case g.approved:
		g.done = true
		return 200, fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer"}`, g.n)
	case early:
		g.interval += 5 * time.Second
		return 400, `{"error":"slow_down"}`
	}
	return 400, `{"error":"authorization_pending"}`
}

// Name and Decide make it the people, too.
func (v *virtual) Name() string { return "virtual" }

func (v *virtual) Decide(_ context.Context, _ int, d Decision) error {
	time.Sleep(20 * time.Millisecond)
	v.mu.Lock()
	defer v.mu.Unlock()
	g := v.users[d.UserCode]
	if g == nil {
		return fmt.Errorf("unknown code %s", d.UserCode)
	}
	g.approved, g.denied = d.Approve, !d.Approve
	return nil
}

// site is the target of runs against it.
func (v *virtual) site(t testing.TB) *Site {
	t.Helper()
	p := &profiles.Profile{Name: "virtual", Title: "virtual"}
	p.Clients.Public = &profiles.Client{ID: "tv"}
	s, err := NewSite(p, profiles.Endpoints{DeviceAuthorization: "http://127.0.0.1/device", Token: "http://127.0.0.1/token"}, SiteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runVirtual carries out a plan on the virtual clock.
func runVirtual(t *testing.T, v *virtual, plan profiles.Plan) Result {
	t.Helper()
	o := Options{Plan: plan, Site: v.site(t), Approver: v, dial: v.dial, Records: t.TempDir() + "/records.bin"}
	result, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// counted is the count of a kind and answer.
func counted(r Result, k kind, o outcome) int64 {
	for _, c := range r.Requests {
		if c.Kind == k.String() && c.Answer == o.String() {
			return c.Count
		}
	}
	return 0
}
