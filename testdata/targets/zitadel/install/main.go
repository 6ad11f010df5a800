// Command zitadel serves the example provider of github.com/zitadel/oidc on
// loopback, with everything in memory.
//
//	PORT           the port; the issuer is http://127.0.0.1:PORT/
//	CODE_LIFETIME  lifetime of the codes, such as 30s; empty means the example's
//
// CLIENT_SECRET, RESERVED_SECRET and USER_PASSWORD: see ../../leash.sh.
package main

import (
	"context"
	"crypto/sha256"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"
)

func main() {
	log.SetFlags(0)
	address := "127.0.0.1:" + os.Getenv("PORT")
	issuer := "http://" + address + "/"
	secret := os.Getenv("CLIENT_SECRET")
	storage.RegisterClients(
		storage.NativeClient("device-public"),
		storage.NativeClient("device-second"),
		storage.DeviceClient("device-confidential", secret),
		storage.DeviceClient("res:erved 100%", os.Getenv("RESERVED_SECRET")),
		storage.WebClient("no-device", secret),
	)
	store := store{storage.NewStorage(newUsers("alice", "bob", "carol"))}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	handler := http.Handler(exampleop.SetupServer(issuer, store, logger, false))
	if text := os.Getenv("CODE_LIFETIME"); text != "" {
		lifetime, err := time.ParseDuration(text)
		if err != nil {
			log.Fatal(err)
		}
		if handler, err = shortLived(issuer, lifetime, store, handler); err != nil {
			log.Fatal(err)
		}
	}
	log.Fatal(http.ListenAndServe(address, handler))
}

// shortLived replaces the endpoints of the example provider, whose lifetime of
// codes is fixed, and keeps its pages. Both use the same storage.
func shortLived(issuer string, lifetime time.Duration, store store, example http.Handler) (http.Handler, error) {
	provider, err := op.NewProvider(&op.Config{
		CryptoKey:                sha256.Sum256([]byte("test")),
		CryptoKeyId:              "key1",
		CodeMethodS256:           true,
		AuthMethodPost:           true,
		AuthMethodPrivateKeyJWT:  true,
		GrantTypeRefreshToken:    true,
		RequestObjectSupported:   true,
		SupportedUILocales:       []language.Tag{language.English},
		DefaultLogoutRedirectURI: "/logged-out",
		DeviceAuthorization: op.DeviceAuthorizationConfig{
			Lifetime:     lifetime,
			PollInterval: 5 * time.Second,
			UserFormPath: "/device",
			UserCode:     op.UserCodeBase20,
		},
	}, store, op.StaticIssuer(issuer), op.WithAllowInsecure(),
		op.WithCustomAuthEndpoint(op.NewEndpoint("auth")))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	for _, path := range []string{"/device", "/device/", "/login/"} {
		mux.Handle(path, example)
	}
	return mux, nil
}

// store is the example's storage, with public clients that may use the device
// authorization grant. The example's own device clients are confidential.
type store struct{ *storage.Storage }

func (s store) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	client, err := s.Storage.GetClientByClientID(ctx, id)
	if err == nil && client.AuthMethod() == oidc.AuthMethodNone {
		client = publicClient{client}
	}
	return client, err
}

type publicClient struct{ op.Client }

func (publicClient) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeDeviceCode, oidc.GrantTypeRefreshToken}
}

// users implements [storage.UserStore]. The id of a user is the name: the
// example's device pages use the name as the subject.
type users map[string]*storage.User

func newUsers(names ...string) users {
	all := users{}
	for _, name := range names {
		all[name] = &storage.User{
			ID:                name,
			Username:          name,
			Password:          os.Getenv("USER_PASSWORD"),
			Email:             name + "@example.test",
			EmailVerified:     true,
			PreferredLanguage: language.English,
		}
	}
	return all
}

func (u users) GetUserByID(id string) *storage.User         { return u[id] }
func (u users) GetUserByUsername(name string) *storage.User { return u[name] }
func (users) ExampleClientID() string                       { return storage.ServiceUserID }
