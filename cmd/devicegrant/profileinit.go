package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/suites/onboarding"
	"github.com/devicegrant/devicegrant/suites/report"
)

func newProfileInitCommand() *cobra.Command {
	var (
		s   onboarding.Scaffold
		out string
	)
	cmd := &cobra.Command{
		Use:   "init --issuer URL",
		Short: "Write a profile from a server's metadata",
		Long: `Write a commented profile from a server's metadata, looked up at both well-known
locations (RFC 8414 and OpenID Connect Discovery), and list what the metadata
does not say. For a server without metadata, give its two endpoints.

For a client with a secret, the server is asked for codes twice, to find out
whether it needs client_id in the body beside HTTP Basic (client_id_in_body).`,
		Example: `  devicegrant profile init --issuer https://idp.example.com/realms/acme --out my-server.yaml
  devicegrant profile init --issuer https://idp.example.com --client-id tv --username alice
  devicegrant profile init --token-endpoint https://idp.example.com/token \
    --device-authorization-endpoint https://idp.example.com/device_authorization`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.Secret = os.Getenv("DEVICEGRANT_CLIENT_SECRET")
			return writeProfile(cmd.Context(), s, out, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&s.Issuer, "issuer", "", "issuer identifier of the server, a URL")
	f.StringVar(&s.DeviceAuthorization, "device-authorization-endpoint", "", "if the metadata does not name it")
	f.StringVar(&s.Token, "token-endpoint", "", "if the metadata does not name it")
	f.StringVar(&s.ClientID, "client-id", "", "id of a public client that may use the device grant")
	f.StringVar(&s.ConfidentialID, "confidential-client-id", "", "id of a client with a secret, which is in DEVICEGRANT_CLIENT_SECRET")
	f.StringVar(&s.Username, "username", "", "login of a test user")
	f.StringVar(&s.TLS.CAFile, "ca-file", "", "PEM file of a private CA to trust")
	f.StringVar(&s.TLS.CertFile, "cert-file", "", "PEM certificate, if the server wants one in every TLS handshake")
	f.StringVar(&s.TLS.KeyFile, "key-file", "", "its key")
	f.StringVarP(&out, "out", "o", "", "file to write, which must not exist (default: standard output)")
	return cmd
}

// writeProfile writes the profile, and says what is left to do.
func writeProfile(ctx context.Context, s onboarding.Scaffold, out string, stdout, stderr io.Writer) error {
	stderr = report.InertWriter{Writer: stderr}
	if err := s.Check(); err != nil {
		return usageError{err}
	}
	for _, path := range []*string{&s.TLS.CAFile, &s.TLS.CertFile, &s.TLS.KeyFile} {
		if *path == "" {
			continue
		}
		file, err := filepath.Abs(*path) // a profile means a path beside itself
		if err != nil {
			return err
		}
		*path = file
	}
	draft, err := s.Write(ctx)
	if err != nil {
		return err
	}
	if out == "" {
		if _, err := io.WriteString(stdout, draft.Text); err != nil {
			return err
		}
	} else if err := writeNew(out, draft.Text); err != nil {
		return usageError{err}
	}
	name := out
	if name == "" {
		name = "FILE"
	}
	if draft.Metadata != "" {
		fmt.Fprintf(stderr, "metadata  %s\n", report.OneLine(draft.Metadata))
	}
	fmt.Fprintln(stderr, "left to you:")
	for _, what := range draft.Open {
		for i, line := range wrap(what, 76) {
			fmt.Fprintf(stderr, "%s%s\n", [...]string{"  - ", "    "}[min(i, 1)], line)
		}
	}
	fmt.Fprintf(stderr, "then: devicegrant profile check %s\n", name)
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return errors.Join(err, f.Close())
}
