package rules

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/wire"
)

var section4 = []Rule{
	{"META-01", one(transcript.Metadata), nil, endpointAdvertised},
	{"META-02", one(transcript.Metadata), nil, grantTypeAdvertised},
	{"META-03", one(transcript.Metadata), one(transcript.DeviceAuthorization), advertisedURLIsSound},
	{"META-04", one(transcript.Metadata), nil, issuerIsEqual},
	{"META-05", one(transcript.Metadata), []string{transcript.DeviceAuthorization}, metadataForm},
}

const deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"

// oauthDocument is in the address of RFC 8414 section 3.
const oauthDocument = "/.well-known/oauth-authorization-server"

func anyURL(list []said, part string) bool {
	return slices.ContainsFunc(list, func(x said) bool { return strings.Contains(x.URL, part) })
}

// documents returns the metadata documents that exist: 200 and a JSON object.
func (j *judging) documents() (list []said, objects []wire.Object) {
	for _, x := range j.all(transcript.Metadata, labels.Document) {
		if o, err := x.Object(); err == nil && x.Status == 200 {
			list, objects = append(list, x), append(objects, o)
		}
	}
	if len(list) > 0 {
		return list, objects
	}
	if t := j.Transcripts[transcript.Metadata]; len(t.Exchanges) > 0 && t.Aborted == "" {
		answered := j.all(transcript.Metadata, labels.Document)
		if len(answered) == 0 {
			j.missing(transcript.Metadata, labels.Document)
			return nil, nil
		}
		j.notApplicable("there is no metadata document (RFC 8414 is optional): %s", describe(answered[0].Exchange))
		return nil, nil
	}
	j.missing(transcript.Metadata, labels.Document)
	return nil, nil
}

// META-01
func endpointAdvertised(j *judging) {
	list, objects := j.ownDocuments()
	if asked := j.all(transcript.Metadata, labels.Document); len(list) > 0 && anyURL(asked, oauthDocument) && !anyURL(list, oauthDocument) {
		j.note("no-oauth-document", "there is an OpenID document and none of RFC 8414: a client that knows OAuth only does not find it", asked...)
	}
	for i, x := range list {
		if s, ok := objects[i].String("device_authorization_endpoint"); ok {
			j.pass("%s", clip(s))
			continue
		}
		j.measure("not-advertised", "the metadata has no device_authorization_endpoint: "+x.URL, x)
	}
}

// META-02
func grantTypeAdvertised(j *judging) {
	list, objects := j.ownDocuments()
	served, probed := j.maybe(transcript.Metadata, labels.Advertised)
	for i, x := range list {
		grants, ok := objects[i].Strings("grant_types_supported")
		switch {
		case !ok && objects[i].Has("grant_types_supported"):
			j.warn("not-a-list", "an array of strings", fmt.Sprintf("grant_types_supported is %s", objects[i].Kind("grant_types_supported")), x)
		case !ok:
			j.warn("absent", "grant_types_supported with "+deviceGrantType, "absent: the default is authorization_code and implicit", x)
		case !slices.Contains(grants, deviceGrantType):
			j.warn("not-listed", deviceGrantType+" in grant_types_supported", "grant_types_supported has only "+clip(strings.Join(grants, ", ")), x)
		case probed && (served.OAuthError() == "unsupported_grant_type" || served.Status == 404):
			j.warn("listed-but-refused", "a successful request", describe(served.Exchange), x, served)
		default:
			j.pass("listed")
		}
	}
}

// META-03
func advertisedURLIsSound(j *judging) {
	list, objects := j.ownDocuments()
	found, relative := false, false
	for i, x := range list {
		s, ok := objects[i].String("device_authorization_endpoint")
		if !ok {
			continue
		}
		found = true
		u, err := url.Parse(s)
		switch {
		case err != nil || !absolute(s):
			j.fail("not-absolute", "an absolute URL", clip(s), x)
			relative = true
			continue
		case u.Scheme != "https" && !(u.Scheme == "http" && j.Profile.TLS.AllowHTTP):
			j.fail("not-https", "an https URL", clip(s), x)
		case strings.Contains(s, "#"):
			j.fail("fragment", "a URL without a fragment", clip(s), x)
		}
		if configured := j.Profile.Endpoints.DeviceAuthorization; configured != "" && configured != s {
			j.warn("differs-from-profile", configured, clip(s), x)
		}
		if issuer, err := url.Parse(j.Issuer); err == nil && issuer.Host != "" && issuer.Host != u.Host {
			j.note("other-host", fmt.Sprintf("the endpoint is on %s, the issuer on %s", u.Host, issuer.Host), x)
		}
	}
	if !found {
		if len(list) > 0 {
			j.notApplicable("the metadata has no device_authorization_endpoint")
		}
		return
	}
	if relative {
		return // there is nothing to contact
	}
	if _, contacted := j.Transcripts[transcript.Metadata].First(labels.Advertised); !contacted && len(j.findings) > 0 {
		j.inconclusive("the advertised endpoint has an origin that is not in the profile, so it was not contacted: set it in endpoints.device_authorization")
		return
	}
	x, ok := j.first(transcript.Metadata, labels.Advertised)
	switch {
	case !ok:
	case hasCodes(x.Exchange):
		j.pass("%s serves the request", x.URL)
	case j.servedNowhere():
		j.inconclusive("%s, and so does the endpoint that the run uses answer this client (see DA-01)", describe(x.Exchange))
	default:
		j.fail("not-served", "codes for a valid request", describe(x.Exchange), x)
	}
}

// servedNowhere says that the endpoint of the run refuses the same request: the
// cause is not the address.
func (j *judging) servedNowhere() bool {
	x, asked := j.maybe(transcript.DeviceAuthorization, labels.ValidPublic)
	return asked && !hasCodes(x.Exchange)
}

// META-04
func issuerIsEqual(j *judging) {
	list, objects := j.documents()
	if j.Issuer == "" {
		j.notApplicable("the profile names no issuer")
		return
	}
	// One location that names it is enough; another may belong to somebody else.
	found := slices.ContainsFunc(objects, j.namesIssuer)
	for i, x := range list {
		observed := fmt.Sprintf("issuer %s (%s)", objects[i].Kind("issuer"), clip(string(objects[i].Raw("issuer"))))
		switch {
		case j.namesIssuer(objects[i]):
			j.pass("%s has it", x.URL)
		case found:
			j.note("another-issuer", observed, x)
		case j.Profile.IssuerRule == "ignore":
			j.measure("ignored", observed+fmt.Sprintf(", not %q: the profile ignores this", j.Issuer), x)
		default:
			j.fail("differs", fmt.Sprintf("issuer %q", j.Issuer), observed, x)
		}
	}
	if found || j.Profile.IssuerRule != "ignore" {
		j.tenantsIssuer()
	}
}

func (j *judging) namesIssuer(o wire.Object) bool {
	s, _ := o.String("issuer")
	return s == j.Issuer
}

// ownDocuments are the documents that are about the profile's issuer; all of
// them when none is, or when the profile names no issuer.
func (j *judging) ownDocuments() (list []said, objects []wire.Object) {
	all, decoded := j.documents()
	if j.Issuer == "" || !slices.ContainsFunc(decoded, j.namesIssuer) {
		return all, decoded
	}
	for i, o := range decoded {
		if j.namesIssuer(o) {
			list, objects = append(list, all[i]), append(objects, o)
		}
	}
	return list, objects
}

func absolute(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.IsAbs() && u.Host != ""
}

// contradictions warns where two documents about the issuer differ in what a device
// needs: which of them a client reads is its own choice.
func (j *judging) contradictions(list []said, objects []wire.Object) {
	for i := 1; i < len(list); i++ {
		first, other := objects[0], objects[i]
		for _, name := range []string{"token_endpoint", "device_authorization_endpoint", "jwks_uri"} {
			a, inFirst := first.String(name)
			b, inOther := other.String(name)
			if inFirst && inOther && a != b {
				j.warn("contradiction", "the same "+name+" in every document about the issuer", fmt.Sprintf("%s and %s", clip(a), clip(b)), list[0], list[i])
			}
		}
		needed := j.neededValues()
		for _, name := range slices.Sorted(maps.Keys(needed)) {
			a, inFirst := first.Strings(name)
			b, inOther := other.Strings(name)
			for _, value := range needed[name] {
				if inFirst && inOther && slices.Contains(a, value) != slices.Contains(b, value) {
					j.warn("contradiction", fmt.Sprintf("the same %s in every document about the issuer, as far as %s is concerned", name, value), value+" is in one list and not in the other", list[0], list[i])
				}
			}
		}
	}
}

// neededValues are the values of lists in the metadata that the run's clients need.
func (j *judging) neededValues() map[string][]string {
	methods := []string{"none"}
	if c := j.Profile.Clients.Confidential; c != nil && c.Auth != "" && c.Auth != profiles.AuthNone {
		methods = append(methods, string(c.Auth))
	}
	return map[string][]string{"grant_types_supported": {deviceGrantType}, "token_endpoint_auth_methods_supported": methods}
}

// overdueDocuments judges the Content-Length of documents, by address.
func (j *judging) overdueDocuments() (found bool) {
	whole := map[string][]said{}
	for _, x := range j.all(transcript.Metadata, labels.Document) {
		if o, err := x.Object(); err == nil && x.Status == 200 && o.Has("token_endpoint") {
			whole[x.URL] = append(whole[x.URL], x)
		}
	}
	var late groups
	for _, x := range j.overdueIn(transcript.Metadata, labels.Document, "token_endpoint") {
		late.add(x.URL, x)
	}
	for _, at := range late.order {
		found = j.overlong(whole[at], late.found[at]) || found
	}
	return found
}

// META-05
func metadataForm(j *judging) {
	if j.overdueDocuments() {
		return
	}
	for _, x := range j.all(transcript.Metadata, labels.Document) {
		if _, err := x.Object(); err != nil && x.Status == 200 && mediaType(x.Exchange) == "application/json" {
			j.fail("not-an-object", "one JSON object", unreadable(x.Exchange, err), x)
		}
	}
	list, objects := j.ownDocuments()
	if j.Issuer != "" && slices.ContainsFunc(objects, j.namesIssuer) {
		j.contradictions(list, objects)
	}
	_, codes := j.maybe(transcript.DeviceAuthorization, labels.ValidPublic)
	for i, x := range list {
		o := objects[i]
		if mediaType(x.Exchange) != "application/json" {
			j.fail("media-type", "Content-Type application/json", headerLine(x.Exchange, "Content-Type"), x)
		}
		j.flawed(x)
		if d := o.Duplicates(); len(d) > 0 {
			j.fail("repeated-member", "each member once", "repeated: "+clip(strings.Join(d, ", ")), x)
		}
		switch s, ok := o.String("token_endpoint"); {
		case !ok || s == "":
			j.fail("no-token-endpoint", "token_endpoint is a string", fmt.Sprintf("token_endpoint is %s", o.Kind("token_endpoint")), x)
		case !absolute(s):
			j.fail("token-endpoint", "token_endpoint is an absolute URL", clip(s), x)
		}
		methods, listed := o.Strings("token_endpoint_auth_methods_supported")
		if !listed {
			methods = []string{"client_secret_basic"} // the default of RFC 8414 section 2
		}
		if public := j.Profile.Clients.Public; codes && !public.Authenticates() && !slices.Contains(methods, "none") {
			j.warn("none-not-listed", `"none" in token_endpoint_auth_methods_supported, since a public client gets codes`, "token_endpoint_auth_methods_supported has only "+clip(strings.Join(methods, ", ")), x)
		}
		if c := j.Profile.Clients.Confidential; c != nil && c.Auth != "" && c.Auth != profiles.AuthNone && !slices.Contains(methods, string(c.Auth)) {
			j.warn("method-not-listed", fmt.Sprintf("%q in token_endpoint_auth_methods_supported", c.Auth), "token_endpoint_auth_methods_supported has only "+clip(strings.Join(methods, ", ")), x)
		}
		if !o.Has("response_types_supported") {
			j.note("response-types", "response_types_supported is absent; RFC 8414 section 2 requires it, but section 3.2 says to omit empty arrays", x)
		}
		j.pass("%s", x.URL)
	}
}
