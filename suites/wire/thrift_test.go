package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestLongBodies: of a long body the beginning is kept, with the length and the
// hash of the whole; of an endless one what was read of it.
func TestLongBodies(t *testing.T) {
	whole := strings.Repeat("0123456789abcdef", 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/endless" {
			for {
				if _, err := fmt.Fprint(w, whole); err != nil {
					return
				}
			}
		}
		fmt.Fprint(w, whole)
	}))
	defer server.Close()
	c := New(Options{MaxBody: 1000})
	defer c.Close()
	x := c.Do(context.Background(), Get("", server.URL))
	if !x.Truncated || len(x.Response.Body) != 1000 || x.Length != int64(len(whole)) || x.SHA256 != sum([]byte(whole)) {
		t.Errorf("%d of %d bytes, %q", len(x.Response.Body), x.Length, x.SHA256)
	}
	x = c.Do(context.Background(), Get("", server.URL+"/endless"))
	if !x.Truncated || len(x.Response.Body) != 1000 || x.Length < maxDrained || x.Length > maxDrained+2000 || x.SHA256 != "" || x.Failure != nil {
		t.Errorf("endless: %d of %d bytes, %q, %v", len(x.Response.Body), x.Length, x.SHA256, x.Failure)
	}
	x = New(Options{MaxBody: len(whole)}).Do(context.Background(), Get("", server.URL))
	if x.Truncated || x.Length != 0 || x.SHA256 != "" || string(x.Response.Body) != whole {
		t.Errorf("a body that fits: %+v", x)
	}
}

// TestThrift: when the answers of a run have filled what there is room for, the
// next ones are cut, their headers too, for every client of the run.
func TestThrift(t *testing.T) {
	body := strings.Repeat("\x00", 10_000) // six bytes each in JSON
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 60 {
			w.Header().Add(fmt.Sprintf("X-%d", i), strings.Repeat("v", 500))
		}
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	c := New(Options{MaxKept: 200_000})
	defer c.Close()
	other := c.WithTLS(func(*tls.Config) {})
	defer other.Close()
	for i := range 6 {
		client := c
		if i%2 == 1 {
			client = other
		}
		whole := client.Do(context.Background(), Get("", server.URL))
		x := client.Keep(whole)
		if whole.Truncated || len(whole.Response.Body) != len(body) {
			t.Errorf("answer %d itself was cut", i)
		}
		if cut := i >= 2; x.Truncated != cut || x.Cut != cut || x.Answered() == cut || cut && (len(x.Response.Body) != thriftyBody || len(x.Response.Header) > thriftyHeader || x.Length != int64(len(body)) || x.SHA256 != sum([]byte(body))) {
			t.Errorf("answer %d: truncated %t, %d bytes of %d, %d headers", i, x.Truncated, len(x.Response.Body), x.Length, len(x.Response.Header))
		}
	}
	if kept, cut := c.Kept(); kept > 200_000 || kept < 100_000 || cut != 4 {
		t.Errorf("%d bytes are kept, %d answers were cut", kept, cut)
	}
}
