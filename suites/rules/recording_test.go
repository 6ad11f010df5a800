package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// recorded is what the reference server said to every scenario. It is read
// once and shared: whoever changes it does so in a clone. It is a throw-away
// server, so nothing in the files is secret. To write them anew:
//
//	go test ./suites -run TestBuiltinConforms -update
//	go test ./suites -run TestBuiltinConforms -update -scenarios "races,expiry"
func recorded(t testing.TB) Evidence {
	t.Helper()
	e, err := recording()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// unchanged fails a test that wrote into the shared recording.
func unchanged(t *testing.T) {
	t.Helper()
	before, err := json.Marshal(recorded(t).Transcripts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if after, err := json.Marshal(recorded(t).Transcripts); err != nil || !bytes.Equal(before, after) {
			t.Error("a case wrote into the recording that all share", err)
		}
	})
}

var recording = sync.OnceValues(func() (Evidence, error) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "recordings", "builtin", "*.json"))
	if err != nil || len(files) == 0 {
		return Evidence{}, fmt.Errorf("no recordings: %w", err)
	}
	var r Recording
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return Evidence{}, err
		}
		var one Recording
		if err := json.Unmarshal(b, &one); err != nil {
			return Evidence{}, fmt.Errorf("%s: %w", file, err)
		}
		r.Issuer, r.Endpoints, r.Transcripts = one.Issuer, one.Endpoints, append(r.Transcripts, one.Transcripts...)
	}
	yes := true
	secret := profiles.NewSecret("not looked at")
	return r.Evidence(&profiles.Profile{
		Clients: profiles.Clients{
			Public:       &profiles.Client{ID: "device-public", Name: "Living Room TV"},
			Second:       &profiles.Client{ID: "device-second"},
			Confidential: &profiles.Client{ID: "device-confidential", Name: "Meeting Room Screen", Secret: &secret, Auth: profiles.AuthBasic},
			NotAllowed:   &profiles.Client{ID: "no-device", Secret: &secret, Auth: profiles.AuthBasic},
			Reserved:     &profiles.Client{ID: "device:100% a+b", Secret: &secret, Auth: profiles.AuthBasic},
			Keyed:        &profiles.Client{ID: "device-key", Key: &secret, Auth: profiles.AuthPrivateKeyJWT},
		},
		ForbiddenScope: "demo:admin",
		Users: profiles.Users{
			First: &profiles.User{Username: profiles.NewSecret("alice")}, Second: &profiles.User{Username: profiles.NewSecret("bob")},
			Wrong: &profiles.User{},
		},
		Verification: profiles.Verification{Narrow: &profiles.Narrow{Scope: "demo:read"}},
		TLS:          profiles.TLS{AllowHTTP: true},
		Capabilities: profiles.Capabilities{
			Deny: &yes, PKCE: &yes, DPoP: &yes, Resource: "https://api.demo.test/",
			AuthorizationDetails: `[{"type": "demo_access", "actions": ["read"]}]`,
		},
		Tenant: &profiles.Tenant{Issuer: r.Issuer + "/orgs/beta", Clients: profiles.TenantClients{Public: &profiles.Client{ID: "beta-device"}}},
	}), nil
})

// clone is a copy that a test may change. What an edit replaces and does not
// write into is shared: bodies and the headers of exchanges.
func clone(e Evidence) Evidence {
	copied := e
	copied.Transcripts = make(map[string]transcript.Transcript, len(e.Transcripts))
	profile := *e.Profile
	copied.Profile = &profile
	for name, said := range e.Transcripts {
		said.Exchanges = slices.Clone(said.Exchanges)
		messages := make([]wire.Message, len(said.Exchanges))
		for i := range said.Exchanges {
			if x := &said.Exchanges[i]; x.Response != nil {
				messages[i] = *x.Response
				x.Response = &messages[i]
			}
		}
		said.Journeys = slices.Clone(said.Journeys)
		for i := range said.Journeys {
			said.Journeys[i] = deep(reflect.ValueOf(said.Journeys[i])).Interface().(transcript.Journey)
		}
		said.Attacks, said.Guessed, said.Noted = slices.Clone(said.Attacks), slices.Clone(said.Guessed), maps.Clone(said.Noted)
		copied.Transcripts[name] = said
	}
	return copied
}

// deep copies a value that has no unexported fields. Plain data is shared.
func deep(v reflect.Value) reflect.Value {
	if v.IsZero() {
		return v
	}
	switch v.Kind() {
	case reflect.Pointer:
		copied := reflect.New(v.Type().Elem())
		copied.Elem().Set(deep(v.Elem()))
		return copied
	case reflect.Struct:
		copied := reflect.New(v.Type()).Elem()
		copied.Set(v)
		for i := range v.NumField() {
			switch v.Field(i).Kind() {
			case reflect.Pointer, reflect.Struct, reflect.Slice, reflect.Map:
				copied.Field(i).Set(deep(v.Field(i)))
			}
		}
		return copied
	case reflect.Slice:
		copied := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(copied, v)
		switch v.Type().Elem().Kind() {
		case reflect.Pointer, reflect.Struct, reflect.Slice, reflect.Map:
			for i := range v.Len() {
				copied.Index(i).Set(deep(v.Index(i)))
			}
		}
		return copied
	case reflect.Map:
		copied := reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, value := range v.Seq2() {
			copied.SetMapIndex(key, deep(value))
		}
		return copied
	}
	return v
}
