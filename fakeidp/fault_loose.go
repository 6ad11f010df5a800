package fakeidp

import (
	"net/url"
	"strings"
	"sync"
)

// looseFaults compare less than the whole value.
var looseFaults = []fault{
	{Fault{"F-TOKEN-03e", "device-code-is-a-pattern", "A % in the device code stands for any characters, as in SQL", Defect}, patternCode},
	{Fault{"F-TOKEN-03f", "device-code-ends-at-nul", "The device code ends at a NUL byte", Defect},
		changedForm("device_code", func(x *exchange, code string) string {
			before, _, _ := strings.Cut(code, "\x00")
			return before
		})},
	{Fault{"F-TOKEN-03g", "a-prefix-is-enough", "A beginning of a device code of eight characters or more is enough", Defect}, prefixCode},
	{Fault{"F-TOKEN-04d", "third-try-succeeds", "Another client's third poll for a code is answered like the owner's", Defect},
		func() behaviour {
			var (
				mu    sync.Mutex
				tries = map[*grant]int{}
			)
			return behaviour{foreign: func(g *grant, _ *Client) bool {
				mu.Lock()
				defer mu.Unlock()
				tries[g]++
				return tries[g] >= 3
			}}
		}},
	{Fault{"F-TOKEN-05e", "half-a-secret-is-enough", "The first half of a client's secret is enough", Defect}, halfSecret},
	{Fault{"F-DA-09b", "client-id-has-no-case", "client_id is compared without case", Defect},
		changedForm("client_id", func(x *exchange, id string) string {
			for known := range x.p.clients {
				if strings.EqualFold(known, id) {
					return known
				}
			}
			return id
		})},
	{Fault{"B91", "white-space-is-trimmed", "White space around client_id and device_code is ignored", Benign},
		func() behaviour {
			return behaviour{request: func(x *exchange) bool {
				for _, name := range []string{"client_id", "device_code"} {
					if v := x.form[name]; len(v) == 1 {
						x.setForm(name, strings.TrimSpace(v[0]))
					}
				}
				return false
			}}
		}},
}

// changedForm changes the value of a parameter that is there once.
func changedForm(name string, change func(x *exchange, value string) string) func() behaviour {
	return meet(func(x *exchange) bool {
		if v := x.form[name]; len(v) == 1 {
			if next := change(x, v[0]); next != v[0] {
				x.setForm(name, next)
			}
		}
		return false
	})
}

// patternCode finds a code by what is before a % at its end.
func patternCode() behaviour {
	return completed(func(sent string) (core string, ok bool) { return strings.CutSuffix(sent, "%") })
}

// prefixCode finds a code by its beginning.
func prefixCode() behaviour {
	return completed(func(sent string) (core string, ok bool) { return sent, len(sent) >= 8 })
}

// completed replaces a device code by one that was issued and begins with its core.
func completed(coreOf func(sent string) (core string, ok bool)) behaviour {
	var (
		mu    sync.Mutex
		codes []string
	)
	return behaviour{
		issue: func(g *grant) {
			mu.Lock()
			defer mu.Unlock()
			codes = append(codes, g.deviceCode)
		},
		request: func(x *exchange) bool {
			core, ok := coreOf(x.form.Get("device_code"))
			if !ok || len(x.form["device_code"]) != 1 {
				return false
			}
			mu.Lock()
			defer mu.Unlock()
			for _, code := range codes {
				if strings.HasPrefix(code, core) && code != core {
					x.setForm("device_code", code)
					break
				}
			}
			return false
		},
	}
}

// halfSecret completes what begins like the right secret.
func halfSecret() behaviour {
	complete := func(x *exchange, id, secret string) (string, bool) {
		client := x.p.clients[id]
		if client == nil || client.Public || secret == "" {
			return "", false
		}
		return client.Secret, strings.HasPrefix(secret, client.Secret[:len(client.Secret)/2])
	}
	return behaviour{request: func(x *exchange) bool {
		if id, secret, ok := basicCredentials(x.r.Header.Get("Authorization")); ok {
			if right, near := complete(x, id, secret); near {
				x.r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(right))
			}
		} else if right, near := complete(x, x.form.Get("client_id"), x.form.Get("client_secret")); near {
			x.setForm("client_secret", right)
		}
		return false
	}}
}
