package scenario

import (
	"context"
	"fmt"
	"slices"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Found is what an issuer publishes about itself, before it has a profile. All
// of it comes from the server: it is bounded, but not to be trusted.
type Found struct {
	// Metadata is the address of the document; "" if there is none.
	Metadata string
	// Issuer is the identifier in it, which should equal the requested one (RFC
	// 8414 section 3.3).
	Issuer    string
	Endpoints profiles.Endpoints
	// Scopes, GrantTypes and ClientAuth are scopes_supported,
	// grant_types_supported and token_endpoint_auth_methods_supported.
	Scopes, GrantTypes, ClientAuth []string
	// Tried has a line for each location without a document.
	Tried []string
}

// maxFound bounds each list of a document.
const maxFound = 64

// Find looks for the metadata of an issuer at all its well-known locations.
func Find(ctx context.Context, issuer string, client *wire.Client) Found {
	var f Found
	for _, address := range MetadataURLs(issuer) {
		x := client.Do(ctx, wire.Get("metadata", address))
		document, err := x.Object()
		switch {
		case x.Failure != nil:
			f.Tried = append(f.Tried, fmt.Sprintf("%s: %s", address, x.Failure))
			continue
		case x.Status != 200:
			f.Tried = append(f.Tried, fmt.Sprintf("%s answered %d", address, x.Status))
			continue
		case err != nil:
			f.Tried = append(f.Tried, fmt.Sprintf("%s: %v", address, err))
			continue
		}
		f.Metadata = address
		f.Issuer, _ = document.String("issuer")
		t := Target{}
		t.fill(document)
		f.Endpoints = t.Endpoints
		list := func(member string) []string {
			all, _ := document.Strings(member)
			return slices.Clip(all[:min(len(all), maxFound)])
		}
		f.Scopes, f.GrantTypes, f.ClientAuth = list("scopes_supported"), list("grant_types_supported"), list("token_endpoint_auth_methods_supported")
		return f
	}
	return f
}
