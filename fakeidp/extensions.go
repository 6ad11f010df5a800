package fakeidp

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
)

var (
	errTarget  = newOAuthError(http.StatusBadRequest, "invalid_target", "the resource is unknown or not an absolute URI")
	errDetails = newOAuthError(http.StatusBadRequest, "invalid_authorization_details",
		"the authorization details are malformed or of an unknown type")
)

const maxDetails = 8

// resource reads a resource indicator (RFC 8707 section 2). That RFC speaks of
// the authorization and the token request; a device may name it in the device
// authorization request, which is the one before the decision.
func (p *IdP) resource(f form) (string, *oauthError) {
	value := f.get("resource")
	if value == "" {
		return "", nil
	}
	u, err := url.Parse(value)
	if err != nil || !u.IsAbs() || u.Fragment != "" || !slices.Contains(p.config.Resources, value) {
		return "", errTarget
	}
	return value, nil
}

// authorizationDetails reads rich authorization requests (RFC 9396 section 2).
func (p *IdP) authorizationDetails(f form) (json.RawMessage, *oauthError) {
	value := f.get("authorization_details")
	if value == "" {
		return nil, nil
	}
	var details []map[string]any
	if json.Unmarshal([]byte(value), &details) != nil || len(details) == 0 || len(details) > maxDetails {
		return nil, errDetails
	}
	for _, d := range details {
		if name, ok := d["type"].(string); !ok || !slices.Contains(p.config.AuthorizationDetailTypes, name) {
			return nil, errDetails
		}
	}
	return json.RawMessage(value), nil
}
