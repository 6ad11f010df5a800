package fakeidp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/devicegrant/devicegrant/fakeidp"
)

// The tests in this file drive the server with clients that were written by
// others from the same RFCs. They run in real time, with a server whose clock
// runs faster: a client that waits a second of ours is never too fast, even on a
// busy machine.

const strangerScope = "openid profile offline_access demo:read"

// ending is what can become of a code, and the error that the device hears.
type ending struct {
	end  func(s *fakeidp.Server, userCode string) error
	code string
}

var endings = map[string]ending{
	"approve": {func(s *fakeidp.Server, userCode string) error { return s.Approve(userCode, "alice") }, ""},
	"deny":    {func(s *fakeidp.Server, userCode string) error { return s.Deny(userCode) }, "access_denied"},
	"expire":  {func(s *fakeidp.Server, userCode string) error { return s.Expire(userCode) }, "expired_token"},
}

// eachEnding runs a test for each ending and kind of client, each with a server
// of its own. They run at once, because they mostly wait.
func eachEnding(t *testing.T, test func(t *testing.T, s *fakeidp.Server, clientID string, ending ending)) {
	var running sync.WaitGroup
	for name, ending := range endings {
		for _, clientID := range []string{"device-public", "device-confidential"} {
			running.Go(func() {
				t.Run(name+"/"+clientID, func(t *testing.T) {
					s := fakeidp.NewServer(fakeidp.Config{
						Interval: time.Second, DeviceCodeLifetime: time.Hour, ClockRate: 20,
					})
					defer s.Close()
					test(t, s, clientID, ending)
				})
			})
		}
	}
	running.Wait()
}

// endAfterFirstPoll lets the device hear authorization_pending once, and then
// ends the waiting.
func endAfterFirstPoll(ctx context.Context, s *fakeidp.Server, userCode string, end func(*fakeidp.Server, string) error) error {
	for {
		code, err := s.Code(userCode)
		if err != nil {
			return err
		}
		if code.PollCount > 0 {
			return end(s, userCode)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// wantPatience checks that an obedient device was never called too fast.
func wantPatience(t *testing.T, s *fakeidp.Server, userCode string) {
	t.Helper()
	code, err := s.Code(userCode)
	if err != nil {
		t.Fatal(err)
	}
	if code.PollCount < 2 || code.TooFastCount > 0 {
		t.Errorf("the server saw %+v", code.Polls)
	}
}

func TestGoOAuth2Client(t *testing.T) {
	t.Parallel()
	eachEnding(t, func(t *testing.T, s *fakeidp.Server, clientID string, ending ending) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		registration, _ := s.Config().Client(clientID)
		device := oauth2.Config{
			ClientID:     clientID,
			ClientSecret: registration.Secret,
			Scopes:       []string{"openid", "profile", "offline_access", "demo:read"},
			Endpoint: oauth2.Endpoint{
				DeviceAuthURL: s.URL + "/device_authorization",
				TokenURL:      s.URL + "/token",
				// Left to find out, the client would poll twice each time.
				AuthStyle: oauth2.AuthStyleInParams,
			},
		}
		// This client never authenticates at the first endpoint by itself.
		var options []oauth2.AuthCodeOption
		if registration.Secret != "" {
			device.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
			options = append(options, oauth2.SetAuthURLParam("client_secret", registration.Secret))
		}
		authorization, err := device.DeviceAuth(ctx, options...)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- endAfterFirstPoll(ctx, s, authorization.UserCode, ending.end) }()
		token, err := device.DeviceAccessToken(ctx, authorization)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		wantPatience(t, s, authorization.UserCode)
		if ending.code != "" {
			var refused *oauth2.RetrieveError
			if !errors.As(err, &refused) || refused.ErrorCode != ending.code {
				t.Errorf("ended with %v, want %s", err, ending.code)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if token.Extra("scope") != strangerScope || token.Extra("id_token") == nil {
			t.Errorf("scope %v, ID token %v", token.Extra("scope"), token.Extra("id_token"))
		}
		// An expired token makes the client refresh.
		token.Expiry = time.Now().Add(-time.Hour)
		renewed, err := device.TokenSource(ctx, token).Token()
		if err != nil {
			t.Fatal(err)
		}
		if renewed.AccessToken == token.AccessToken || renewed.RefreshToken == token.RefreshToken {
			t.Error("the refresh did not rotate the tokens")
		}
	})
}

// notTried skips, but not in CI: there nothing may go untested unnoticed.
func notTried(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func TestNodeOpenIDClient(t *testing.T) {
	if testing.Short() {
		t.Skip("not in make check: it starts six clients in Node")
	}
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		notTried(t, "node is not installed")
	}
	directory := filepath.Join("..", "testdata", "strangers")
	if _, err := os.Stat(filepath.Join(directory, "node_modules", "openid-client")); err != nil {
		notTried(t, "openid-client is not installed: run npm ci in testdata/strangers")
	}
	eachEnding(t, func(t *testing.T, s *fakeidp.Server, clientID string, ending ending) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		arguments := []string{"openid-client.mjs", s.URL, clientID, strangerScope}
		if registration, _ := s.Config().Client(clientID); registration.Secret != "" {
			arguments = append(arguments, registration.Secret)
		}
		command := exec.CommandContext(ctx, node, arguments...)
		command.Dir, command.Stderr = directory, os.Stderr
		output, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(output)
		var shown struct {
			UserCode string `json:"user_code"`
		}
		readLine(t, lines, &shown)
		if err := endAfterFirstPoll(ctx, s, shown.UserCode, ending.end); err != nil {
			t.Fatal(err)
		}
		var result struct {
			Error  string
			Tokens struct {
				Scope        string
				RefreshToken string `json:"refresh_token"`
			}
			Claims, UserInfo struct{ Sub, Name string }
		}
		readLine(t, lines, &result)
		if err := command.Wait(); err != nil {
			t.Fatal(err)
		}
		wantPatience(t, s, shown.UserCode)
		if result.Error != ending.code {
			t.Fatalf("ended with %q, want %q", result.Error, ending.code)
		}
		if ending.code != "" {
			return
		}
		if result.Tokens.Scope != strangerScope || result.Tokens.RefreshToken == "" ||
			result.Claims.Sub != "alice" || result.UserInfo.Name != "Alice Adams" {
			t.Errorf("got %+v", result)
		}
	})
}

func readLine(t *testing.T, lines *bufio.Scanner, into any) {
	t.Helper()
	if !lines.Scan() {
		t.Fatalf("the client ended early: %v", lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), into); err != nil {
		t.Fatalf("%q: %v", lines.Text(), err)
	}
}
