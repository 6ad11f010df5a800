//go:build linux

// Command nethttp is the load generator that one writes in an afternoon: 64
// goroutines with net/http, each of which builds the form of a poll, sends it,
// reads the answer as JSON, and begins again. The benchmark compares with it to
// tell what a generator gains by being written for its purpose.
//
// It prints how many polls it made, and the processor time that they cost.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// connections is how many polls are under way at any time.
const connections = 64

// figures is what it prints.
type figures struct {
	Polls   int64   `json:"polls"`
	CPUS    float64 `json:"cpu_s"` // user and system
	Seconds float64 `json:"seconds"`
}

func main() {
	token := flag.String("token", "", "URL of the token endpoint")
	duration := flag.Duration("for", 4*time.Second, "how long")
	flag.Parse()
	got, err := measure(*token, *duration)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(got)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "nethttp:", err)
		os.Exit(1)
	}
}

// measure polls as fast as the answers come.
func measure(token string, duration time.Duration) (figures, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: connections, MaxIdleConnsPerHost: connections}}
	var polls atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	start, before := time.Now(), cpu()
	for device := range connections {
		group.Go(func() {
			code := fmt.Sprintf("stub-%035d", device)
			for time.Since(start) < duration && failed.Load() == nil {
				if err := poll(client, token, code); err != nil {
					failed.Store(&err)
					return
				}
				polls.Add(1)
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return figures{}, *err
	}
	return figures{polls.Load(), (cpu() - before).Seconds(), time.Since(start).Seconds()}, nil
}

// poll is one request of RFC 8628 section 3.4 and what a client does with the
// answer.
func poll(client *http.Client, token, code string) error {
	form := url.Values{
		"grant_type":  {"urn:ietf:params:oauth:grant-type:device_code"},
		"device_code": {code},
		"client_id":   {"tv"},
	}
	resp, err := client.Post(token, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if answer.Error != "authorization_pending" {
		return fmt.Errorf("%s: %q", resp.Status, text)
	}
	return nil
}

// cpu is what this process has used of the processors.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
