package loadgen

import (
	"context"
	"fmt"
	"net/url"

	"github.com/devicegrant/devicegrant/suites/wire"
)

// HTTP2OnlyError says that a target does not speak HTTP/1.1, the one protocol of the
// lean transport. Nothing was measured.
type HTTP2OnlyError struct{ Host string }

func (e *HTTP2OnlyError) Error() string {
	return fmt.Sprintf("%s speaks HTTP/2 only, and the lean transport speaks HTTP/1.1: use --transport net/http", e.Host)
}

// speaksHTTP1 is an *[HTTP2OnlyError] where one of the endpoints does not speak
// HTTP/1.1. Anything else that fails is left to the run, which measures it.
func (s *Site) speaksHTTP1(ctx context.Context) error {
	seen := map[string]bool{}
	for _, u := range []*url.URL{s.deviceAuthorization.URL, s.token.URL} {
		if !seen[u.Host] && wire.OnlyHTTP2(ctx, u.String(), s.tls, nil) {
			return &HTTP2OnlyError{u.Host}
		}
		seen[u.Host] = true
	}
	return nil
}
