package fakeidp

import (
	"encoding/json"
	"strings"
)

// valueFaults: values of the right shape that mean something else.
var valueFaults = []fault{
	{Fault{"F-TOKEN-09c", "type-of-its-own", "token_type is access_token", Defect}, inTokens(func(o map[string]any) { o["token_type"] = "access_token" })},
	{Fault{"F-TOKEN-09d", "type-with-a-blank", "A blank follows the token type", Defect}, inTokens(func(o map[string]any) { o["token_type"] = "Bearer " })},
	{Fault{"F-TOKEN-09e", "refresh-is-access", "The refresh token equals the access token", Defect},
		inTokens(func(o map[string]any) { o["refresh_token"] = o["access_token"] })},
	{Fault{"F-ERR-02c", "description-by-language", "error_description is an object", Defect},
		see(func(x *exchange) {
			if x.failed() {
				x.edit(func(o map[string]any) { o["error_description"] = map[string]string{"en": "no"} })
			}
		})},
	{Fault{"F-RESP-04b", "code-with-a-blank", "A line break follows the user code", Defect},
		see(func(x *exchange) {
			if x.codes() {
				x.edit(func(o map[string]any) {
					if code, ok := o["user_code"].(string); ok {
						o["user_code"] = code + "\n"
					}
				})
			}
		})},
	{Fault{"F-RESP-07", "lifetime-with-a-point", "expires_in is written as 600.0", Defect}, member("expires_in", json.RawMessage("600.0"))},
	{Fault{"F-META-05b", "two-stories", "The OpenID document names another token endpoint than the one of RFC 8414", Defect},
		see(func(x *exchange) {
			if x.document() && strings.Contains(x.r.URL.Path, "openid-configuration") {
				x.edit(func(o map[string]any) {
					if s, ok := o["token_endpoint"].(string); ok {
						o["token_endpoint"] = s + "2"
					}
				})
			}
		})},
	{Fault{"F-META-03b", "relative-endpoint", "device_authorization_endpoint is a relative path", Defect},
		inMetadata(func(o map[string]any) { o["device_authorization_endpoint"] = "/device_authorization" })},
	{Fault{"F-TOKEN-15h", "id-token-of-another-party", "azp of the ID token is another client", Defect}, claiming(func(c *idClaims) { c.AuthorizedParty = "another-client" })},
	{Fault{"F-TOKEN-15i", "id-token-of-tomorrow", "The ID token is not valid before tomorrow", Defect}, claiming(func(c *idClaims) { c.NotBefore = c.IssuedAt + 86400 })},
	{Fault{"B82", "more-claims", "The ID token has azp and nbf, and errors a null description", Benign},
		func() behaviour {
			return behaviour{
				claims: func(c *idClaims) { c.AuthorizedParty, c.NotBefore = c.Audience, c.IssuedAt },
				response: func(x *exchange) {
					if x.failed() {
						x.edit(func(o map[string]any) { o["error_description"] = nil })
					}
				},
			}
		}},
}
