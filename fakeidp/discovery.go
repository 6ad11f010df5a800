package fakeidp

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// metadata is RFC 8414 section 2 and OpenID Connect Discovery section 3 in one
// document. It has no response_types_supported: without an authorization endpoint
// the list is empty, and RFC 8414 section 3.2 has empty lists left out.
type metadata struct {
	Issuer                        string                    `json:"issuer"`
	DeviceAuthorizationEndpoint   string                    `json:"device_authorization_endpoint"`
	TokenEndpoint                 string                    `json:"token_endpoint"`
	IntrospectionEndpoint         string                    `json:"introspection_endpoint"`
	RevocationEndpoint            string                    `json:"revocation_endpoint"`
	UserInfoEndpoint              string                    `json:"userinfo_endpoint"`
	JWKSURI                       string                    `json:"jwks_uri"`
	ScopesSupported               []string                  `json:"scopes_supported"`
	GrantTypesSupported           []string                  `json:"grant_types_supported"`
	SubjectTypesSupported         []string                  `json:"subject_types_supported"`
	IDTokenAlgorithmsSupported    []string                  `json:"id_token_signing_alg_values_supported"`
	TokenAuthMethodsSupported     []string                  `json:"token_endpoint_auth_methods_supported"`
	IntrospectionMethodsSupported []string                  `json:"introspection_endpoint_auth_methods_supported"`
	RevocationMethodsSupported    []string                  `json:"revocation_endpoint_auth_methods_supported"`
	ClaimsSupported               []string                  `json:"claims_supported"`
	ProofAlgorithmsSupported      []jose.SignatureAlgorithm `json:"dpop_signing_alg_values_supported"`
	DetailTypesSupported          []string                  `json:"authorization_details_types_supported"`
	CodeChallengeMethodsSupported []string                  `json:"code_challenge_methods_supported"`
	AssertionAlgorithmsSupported  []jose.SignatureAlgorithm `json:"token_endpoint_auth_signing_alg_values_supported"`
	BoundToCertificates           bool                      `json:"tls_client_certificate_bound_access_tokens,omitempty"`
}

func (p *IdP) metadata() metadata {
	secretMethods := []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"}
	if p.config.secure() {
		secretMethods = append(secretMethods, "self_signed_tls_client_auth")
	}
	allMethods := append([]string{"none"}, secretMethods...)
	m := metadata{
		Issuer:                        p.issuer(),
		DeviceAuthorizationEndpoint:   p.url(pathDeviceAuthorization),
		TokenEndpoint:                 p.url(pathToken),
		IntrospectionEndpoint:         p.url(pathIntrospection),
		RevocationEndpoint:            p.url(pathRevocation),
		UserInfoEndpoint:              p.url(pathUserInfo),
		JWKSURI:                       p.url(pathJWKS),
		GrantTypesSupported:           []string{grantTypeDevice, grantTypeRefresh},
		SubjectTypesSupported:         []string{"public"},
		IDTokenAlgorithmsSupported:    []string{"ES256"},
		TokenAuthMethodsSupported:     allMethods,
		IntrospectionMethodsSupported: secretMethods,
		RevocationMethodsSupported:    allMethods,
		CodeChallengeMethodsSupported: []string{pkceMethod},
		ClaimsSupported: []string{"iss", "sub", "aud", "exp", "iat", "auth_time",
			"name", "preferred_username", "email", "email_verified"},
		ProofAlgorithmsSupported:     proofAlgorithms,
		AssertionAlgorithmsSupported: slices.Concat(keyAlgorithms, secretAlgorithms),
		BoundToCertificates:          p.config.secure(),
		DetailTypesSupported:         p.config.AuthorizationDetailTypes,
	}
	for _, s := range p.config.Scopes {
		m.ScopesSupported = append(m.ScopesSupported, s.Name)
	}
	return m
}

// metadataDocument is the metadata as the personality has it.
func (p *IdP) metadataDocument() any {
	if p.ways.metadata == nil {
		return p.metadata()
	}
	text, err := json.Marshal(p.metadata())
	if err != nil {
		panic(err)
	}
	var o map[string]any
	if err := json.Unmarshal(text, &o); err != nil {
		panic(err)
	}
	p.ways.metadata(o)
	return o
}

// document serves a JSON document that never changes.
func document(v any) http.HandlerFunc {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w.Header()["Content-Type"] = jsonType
		w.Write(body)
	}
}
