package targets

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// servers are what this package can start, and where each has its endpoints.
var servers = []struct {
	name          string
	start         func(testing.TB, Options) *Server
	authorization string
	token         string
	scope         string
	interval      int // what it says when Options.Interval is 3
}{
	{"oidc-provider", OIDCProvider, "/device/auth", "/token", "openid offline_access", 0},
	{"glewlwyd", Glewlwyd, "/api/oidc/device_authorization", "/api/oidc/token", "openid demo", 3},
}

var client = &http.Client{Timeout: 20 * time.Second}

// post sends a form and returns the status and the JSON object in the answer.
func post(t *testing.T, endpoint string, form url.Values, id, secret string) (int, map[string]any) {
	t.Helper()
	if secret == "" {
		form.Set("client_id", id)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		request.SetBasicAuth(id, secret)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: status %d: %v", endpoint, response.StatusCode, err)
	}
	return response.StatusCode, answer
}

// notInCheck leaves out what starts servers that others wrote.
func notInCheck(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("not in make check: it starts a real server")
	}
}

// TestGrant starts each server and takes the first steps of the grant with
// every client that the profiles name.
func TestGrant(t *testing.T) {
	notInCheck(t)
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s := server.start(t, Options{ExpiresIn: 12, Interval: 3})
			secret := s.Env["DEVICEGRANT_CLIENT_SECRET"]
			for id, secret := range map[string]string{"device-public": "", "device-other": "", "device-secret": secret} {
				form := url.Values{"scope": {server.scope}}
				status, answer := post(t, s.BaseURL+server.authorization, form, id, secret)
				if status != http.StatusOK {
					t.Fatalf("%s: status %d: %v", id, status, answer)
				}
				if answer["expires_in"] != 12.0 {
					t.Errorf("%s: expires_in %v, want 12", id, answer["expires_in"])
				}
				if server.interval != 0 && answer["interval"] != float64(server.interval) {
					t.Errorf("%s: interval %v, want %d", id, answer["interval"], server.interval)
				}
				code, _ := answer["device_code"].(string)
				form = url.Values{"grant_type": {deviceGrant}, "device_code": {code}}
				status, answer = post(t, s.BaseURL+server.token, form, id, secret)
				if status != http.StatusBadRequest || answer["error"] != "authorization_pending" {
					t.Errorf("%s: the poll was answered with %d %v, want authorization_pending", id, status, answer)
				}
			}
			status, answer := post(t, s.BaseURL+server.authorization, url.Values{"scope": {server.scope}}, "no-device", secret)
			if status == http.StatusOK {
				t.Errorf("no-device got a device code: %v", answer)
			}
			status, answer = post(t, s.BaseURL+server.authorization, url.Values{"scope": {server.scope}}, "device-secret", "not the secret")
			if status == http.StatusOK {
				t.Errorf("a wrong secret got a device code: %v", answer)
			}
		})
	}
}

// TestGlewlwydLogin proves the user and the password that Env announces, and
// that the pages get their configuration.
func TestGlewlwydLogin(t *testing.T) {
	notInCheck(t)
	t.Parallel()
	s := Glewlwyd(t, Options{})
	for password, want := range map[string]int{
		s.Env["DEVICEGRANT_PASSWORD"]: http.StatusOK,
		"not the password":            http.StatusUnauthorized,
	} {
		body, err := json.Marshal(map[string]string{"username": "alice", "password": password})
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Post(s.BaseURL+"/api/auth/", "application/json", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("login: status %d, want %d", response.StatusCode, want)
		}
	}
	response, err := client.Get(s.BaseURL + "/config.json")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var configuration map[string]any
	if err := json.NewDecoder(response.Body).Decode(&configuration); err != nil || configuration["LoginUrl"] == nil {
		t.Errorf("config.json: status %d, %v, %v", response.StatusCode, err, configuration)
	}
}

// TestEnd holds that a server ends with the test that started it.
func TestEnd(t *testing.T) {
	notInCheck(t)
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			var address string
			t.Run("running", func(t *testing.T) {
				s := server.start(t, Options{})
				address = strings.TrimPrefix(s.BaseURL, "http://")
				if !listens(address) {
					t.Errorf("nothing listens on %s", address)
				}
			})
			if address != "" && listens(address) {
				t.Errorf("%s still listens after its test", address)
			}
		})
	}
}

// TestKilled holds that no server outlives a test process that was killed and
// could not end it.
func TestKilled(t *testing.T) {
	notInCheck(t)
	for index, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			command := exec.Command(os.Args[0], "-test.run=^TestVictim$", "-test.v")
			temporary := t.TempDir()
			command.Env = append(os.Environ(), "TMPDIR="+temporary, fmt.Sprintf("TARGETS_TEST_VICTIM=%d", index))
			if _, err := command.StdinPipe(); err != nil {
				t.Fatal(err)
			}
			stdout, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			var address string
			lines := bufio.NewScanner(stdout)
			for address == "" && lines.Scan() {
				if strings.HasPrefix(lines.Text(), "--- SKIP") {
					_ = command.Wait()
					t.Skip("the other process could not start it: TestGrant says why")
				}
				if name, ok := strings.CutPrefix(lines.Text(), "victim "); ok {
					address = name
				}
			}
			running := address != "" && listens(address)
			if err := command.Process.Kill(); err != nil {
				t.Error(err)
			}
			_ = command.Wait() // it was killed
			if !running {
				t.Fatalf("the server did not run: address %q", address)
			}
			// Nobody is left to tell us when the server is gone.
			for deadline := time.Now().Add(startLimit); ; time.Sleep(50 * time.Millisecond) {
				files, err := filepath.Glob(filepath.Join(temporary, "*", "*", "server"))
				if err != nil {
					t.Fatal(err)
				}
				listening := listens(address)
				if !listening && len(files) == 0 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%v after its parent was killed: %s listens: %v; its files: %v", startLimit, address, listening, files)
				}
			}
		})
	}
}

// TestVictim is what TestKilled kills.
func TestVictim(t *testing.T) {
	number := os.Getenv("TARGETS_TEST_VICTIM")
	if number == "" {
		return
	}
	var index int
	if _, err := fmt.Sscan(number, &index); err != nil {
		t.Fatal(err)
	}
	s := servers[index].start(t, Options{})
	fmt.Printf("victim %s\n", strings.TrimPrefix(s.BaseURL, "http://"))
	// Should TestKilled itself be killed, this one ends too.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func listens(address string) bool {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

func TestRequired(t *testing.T) {
	for _, c := range []struct {
		ci, require string
		want        bool
	}{
		{"", "", false},
		{"true", "", true},
		{"", "1", true},
		{"true", "0", false},
		{"false", "", false},
	} {
		environment := map[string]string{"CI": c.ci, "DEVICEGRANT_REQUIRE_TARGETS": c.require}
		if got := required(func(name string) string { return environment[name] }); got != c.want {
			t.Errorf("CI=%q DEVICEGRANT_REQUIRE_TARGETS=%q: %v", c.ci, c.require, got)
		}
	}
}

// TestOutput holds that the ready line is found however it arrives.
func TestOutput(t *testing.T) {
	o := &output{ready: make(chan string, 1)}
	for _, piece := range []string{"a warning\nrea", "dy http://127.0.0.1:1", "\nready twice\nnot ready yet\n"} {
		if _, err := o.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-o.ready; got != "http://127.0.0.1:1" {
		t.Errorf("ready %q", got)
	}
	if !strings.HasPrefix(o.String(), "a warning\nready http") {
		t.Errorf("log %q", o.String())
	}
}
