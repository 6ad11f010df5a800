package chromium

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// hostileSite is the web server of somebody who wishes the end user ill. It
// listens on loopback under two names, localhost and 127.0.0.1: to a browser
// these are different sites.
type hostileSite struct {
	server *http.Server
	port   string

	mu     sync.Mutex
	pages  map[string]string
	landed []string
}

const (
	landing    = "/landing/"
	maxVisits  = 200
	maxHostile = 500 // pages
)

func startHostileSite() (*hostileSite, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the hostile site cannot listen: %w", err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String()) // an address of ours always splits
	s := &hostileSite{port: port, pages: map[string]string{}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	go s.server.Serve(l)
	return s, nil
}

func (s *hostileSite) close() error { return s.server.Close() }

// origin is that of another site than the target's.
func (s *hostileSite) origin(target string) string {
	host := "localhost"
	if u, err := url.Parse(target); err == nil && (u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost")) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, s.port)
}

// page puts up a page against the target and returns its address.
func (s *hostileSite) page(target, body string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pages) >= maxHostile {
		clear(s.pages)
	}
	path := fmt.Sprintf("/prize/%d", len(s.pages)+1)
	s.pages[path] = "<!DOCTYPE html><title>You have won</title>" + body
	return s.origin(target) + path
}

func (s *hostileSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Said aloud: a body that begins with a form is sniffed as text.
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if name, ok := strings.CutPrefix(r.URL.Path, landing); ok {
		// Only a browser that navigates counts, not a server that looks.
		if r.Header.Get("Sec-Fetch-Mode") == "navigate" && len(s.landed) < maxVisits && !slices.Contains(s.landed, name) {
			s.landed = append(s.landed, name)
		}
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Hostile page</title><h1>You are elsewhere now</h1>")
		return
	}
	page, ok := s.pages[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, page)
}

// visits are the landings so far.
func (s *hostileSite) visits() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.landed)
}
