// Package labels holds the names under which a scenario records its steps and a
// rule finds them: the labels of exchanges, and the names of journeys, attacks
// and series of guesses in a transcript. Both sides use these constants, so a
// typo does not compile.
//
// A label is a path: "race/2/1" is below "race/2" and "race", and
// [transcript.Transcript.Labelled] finds everything below a label. The groups
// follow the order of the scenarios. A label that several scenarios use has the
// same meaning in each.
package labels

import (
	"strconv"
	"strings"
)

// Join puts labels below each other: Join(Sticky, Burst) is "sticky/burst".
func Join(parts ...string) string { return strings.Join(parts, "/") }

// Nth is the nth of several below a label: Nth(Race, 2) is "race/2".
func Nth(label string, n int) string { return label + "/" + strconv.Itoa(n) }

// Of names a journey by what is done and about what: Of(Approve, Narrowed) is
// "approve narrowed".
func Of(what, about string) string { return what + " " + about }

// InARow is the same series of guesses without right codes in between, and
// OnceMore the one after the guesser was let in again.
func InARow(series string) string   { return series + ", in a row" }
func OnceMore(series string) string { return series + ", again" }

// Round is the nth of several journeys: Round(Approve, 2) is "approve 2".
func Round(what string, n int) string { return Of(what, strconv.Itoa(n)) }

// Steps that many scenarios have.
const (
	Device        = "device"
	Code          = "code"
	Token         = "token"
	Poll          = "poll"
	Pending       = "pending"
	Control       = "control"
	Approve       = "approve"
	Deny          = "deny"
	Approved      = "approved"
	Denied        = "denied"
	Again         = "again"
	After         = "after"
	Other         = "other"
	Unknown       = "unknown"
	Wrong         = "wrong"
	Right         = "right"
	Empty         = "empty"
	Charset       = "charset"
	Absent        = "absent"
	Missing       = "missing"
	Type          = "type"
	Page          = "page"
	Login         = "login"
	Introspection = "introspection"
	Userinfo      = "userinfo"
	Owner         = "owner"
	Foreign       = "foreign"
	Untouched     = "untouched"
	Redeem        = "redeem"
	First         = "first"
	Second        = "second"
	Same          = "same"
	Public        = "public"
	Confidential  = "confidential"
	Whose         = "whose"
	Served        = "served"
	Accept        = "accept" // the same with other Accept headers
	Any           = "any"
	None          = "none"
)

// Of transcript.DeviceAuthorization.
const (
	Valid             = "valid"
	ValidPublic       = Valid + "/" + Public
	ValidConfidential = Valid + "/" + Confidential
)

// Of transcript.DeviceErrors.
const (
	ControlPublic       = Control + "/" + Public
	ControlConfidential = Control + "/" + Confidential
	ControlPublicAgain  = "control/public again"
	Method              = "method"
	QueryParameters     = "query/parameters"
	QueryNoSecret       = "query/no secret"
	QuerySecret         = "query/secret"
	ClientAbsent        = "client/absent"
	ClientEmpty         = "client/empty"
	ClientUnknown       = "client/unknown"
	ClientOtherCase     = "client/other case"
	ClientSpaceAdded    = "client/space added"
	RepeatSameClient    = "repeat/same client"
	RepeatOtherClient   = "repeat/other client"
	RepeatScope         = "repeat/scope"
	UnknownAdded        = "unknown/added"
	ScopeAbsent         = "scope/absent"
	ScopeEmpty          = "scope/empty"
	AcceptCodes         = Accept + "/" + Code
	AcceptNameless      = Accept + "/" + Absent
)

// Of transcript.Scopes.
const (
	Forbidden       = "forbidden"
	Malformed       = "malformed"
	MalformedQuotes = "malformed/quotes"
	MalformedSpaces = "malformed/spaces"
	MalformedCase   = "malformed/case"
)

// Of transcript.ClientIdentity.
const (
	ControlBody      = "control/body"
	Unauthenticated  = "unauthenticated"
	BasicToken       = "basic/token"
	BasicTokenBody   = "basic/token body"
	BasicTokenAgain  = "basic/token again"
	BasicOtherForm   = "basic/other form"
	BothMethods      = "both/methods"
	BothFailedBasic  = "both/" + FailedBasic
	Two              = "two"
	TwoClients       = "two/clients"
	TwoAsBody        = "two/as body"
	TwoAsHeader      = "two/as header"
	TwoControl       = Two + "/" + Control
	ReservedEncoded  = "reserved/encoded"
	ReservedBody     = "reserved/body"
	NotAllowed       = "not allowed"
	NotAllowedDevice = NotAllowed + "/" + Device
	NotAllowedPoll   = NotAllowed + "/" + Poll
)

// Of transcript.ClientProofs.
const (
	Proof            = "proof"
	WrongKey         = "wrong key"
	NoSignature      = "no signature"
	NotYet           = "not yet"
	OtherAudience    = "other audience"
	OtherClient      = "other client"
	OtherCertificate = "other certificate"
	ControlKeyed     = Control + "/keyed"
	ControlAfter     = Control + "/" + After
	TokenControl     = Token + "/" + Control
)

// Of transcript.ClientErrors.
const (
	RightDevice = Right + "/" + Device
	WrongDevice = Wrong + "/" + Device
	WrongToken  = Wrong + "/" + Token
	WrongBody   = "wrong/body"
	WrongBasic  = "wrong/basic" // beside the right secret in the body
	RightAfter  = Right + "/" + After
)

// Of transcript.HostileSizes.
const (
	ControlAgain          = "control again"
	Size                  = "size"
	SizeScope             = "size/scope"
	SizeBody              = "size/body"
	SizeParameters        = Size + "/" + Parameters
	BytesNUL              = "bytes/NUL"
	BytesFF               = "bytes/FF"
	BytesBrokenEscape     = "bytes/escape"
	BytesHalfSurrogate    = "bytes/surrogate"
	BytesWritingDirection = "bytes/direction"
	BytesCRLF             = "bytes/CRLF"
	Markup                = "markup"
	MarkupClientID        = "markup/client_id"
	MarkupScope           = "markup/scope"
	Plain                 = "plain"
	PlainClientID         = Plain + "/client_id"
	PlainScope            = Plain + "/scope"
	Parameter             = "parameter"
	FF                    = "FF"
)

// Of transcript.HostHeaders and transcript.Transport.
const (
	Host        = "host"
	HTTP        = "http"
	HTTPSPage   = "https/page"
	TLS         = "tls"
	Certificate = "certificate"
)

// Of transcript.Metadata.
const (
	Document   = "document"
	Tenant     = "tenant"
	Advertised = "advertised"
)

// Of transcript.TokenErrors.
const (
	GrantType        = "grant_type"
	DeviceCodeAbsent = "device_code/absent"
	DeviceCodeEmpty  = "device_code/empty"
	Random           = "random"
	Truncated        = "truncated"
	Changed          = "changed"
	StartChanged     = "start changed"
	EndChanged       = "end changed"
	CaseSwapped      = "case swapped"
	SpaceAdded       = "space added"
	Long             = "long"
	NUL              = "NUL"
	UUID             = "UUID"

	LikePattern       = "LIKE pattern"
	GlobPattern       = "glob pattern"
	RegularExpression = "regular expression"
	CutAtNUL          = "cut at NUL"
	Half              = "half"

	TrailingSpace    = "trailing space"
	Repeat           = "repeat"
	RepeatTwoCodes   = "repeat/two codes"
	RepeatTwoClients = "repeat/two clients"
	ExtraParameter   = "extra/parameter"
	ExtraWithout     = "extra/without"
	AcceptPending    = Accept + "/" + Pending
	AcceptUnknown    = Accept + "/" + Unknown
	AcceptControl    = Accept + "/" + Control
)

// Of transcript.TokenTransport.
const (
	MethodGET    = "method/GET"
	MethodPUT    = "method/PUT"
	QueryCode    = "query/code"
	Types        = "types"
	TypesControl = Types + "/" + Control
	TypesAfter   = Types + "/" + After
	Secret       = "secret"
	SecretNone   = "secret/none"
	SecretQuery  = "secret/query"
	SecretRight  = Secret + "/" + Right
	Variant      = "variant" // written as another client may
	VariantAgain = "variant again"
)

// Of transcript.UnprovenClient and transcript.ForeignClient.
const (
	Secretless    = "secretless"
	Stranger      = "stranger"     // a client that does not exist
	FailedBasic   = "failed basic" // HTTP Basic that proves nothing, beside a client_id
	PendingOwner  = Pending + "/" + Owner
	ApprovedOwner = Approved + "/" + Owner
)

// Of transcript.Approval.
const (
	Bystander       = "bystander"
	BystanderPoll   = Bystander + "/" + Poll
	BystanderBefore = Bystander + "/" + Before
	Reuse           = "reuse"
)

// Of transcript.SteadyPolling, transcript.ImpatientPolling and transcript.Throttle.
const (
	Obedient  = "obedient"
	Burst     = "burst"
	Patient   = "patient"
	Sticky    = "sticky"
	Grown     = "grown"
	Summed    = "summed"
	Margin    = "margin"
	Early     = "early"
	Counted   = "counted"
	Probe     = "probe"
	Compliant = "compliant"
	Old       = "old"
	Base      = "base"
)

// Of transcript.HastyNeighbour.
const (
	Alone  = "alone"
	Hammer = "hammer"
	Beside = "beside"
	Later  = "later"
)

// Of transcript.DecisionRaces, transcript.RacingPolls and transcript.LostAnswers.
const (
	Race = "race"
	Lost = "lost"
)

// Of transcript.Expiry.
const (
	Polled        = "polled"
	Alive         = "alive"
	AlivePoll     = Alive + "/" + Poll
	AliveBefore   = Alive + "/" + Before
	Decided       = "decided"
	DecidedBefore = Decided + "/" + Before
	Opened        = "opened"
	Entered       = "entered"
	Expired       = "expired"
)

// Of transcript.TokenUse.
const (
	Full                                = "full"
	Partial                             = "partial"
	Mixed                               = "mixed"
	Unwidened                           = "unwidened"
	Narrowed                            = "narrowed"
	Default                             = "default"
	JWKS                                = "jwks"
	BareUserinfo                        = "bare userinfo"
	AccessTokenAsDeviceCode             = "access token as device code"
	BeforeRevocation                    = "before revocation"
	ForeignRevocation                   = "foreign revocation"
	AfterForeignRevocation              = "after foreign revocation"
	UnknownRevocation                   = "unknown revocation"
	Revocation                          = "revocation"
	AfterRevocation                     = "after revocation"
	RefreshRevocation                   = "refresh revocation"
	RevokedRefresh                      = "revoked refresh"
	AfterRefreshRevocation              = "after refresh revocation"
	AfterRefreshRevocationIntrospection = AfterRefreshRevocation + "/" + Introspection
	Widened                             = "widened"
	PartialWidened                      = Partial + "/" + Widened
	PartialToken                        = Partial + "/" + Token
	MixedAsCode                         = "mixed/as code"
	MixedAsRefreshToken                 = "mixed/as refresh token"
	MixedToken                          = Mixed + "/" + Token
	UserCodeAsDeviceCode                = "user code as device code"
	PendingIntrospection                = Pending + " " + Introspection
	TypedDevice                         = Typed + "/" + Device
	DeviceCodeTyped                     = "device code typed"
)

// Of transcript.Refresh.
const (
	Binding        = "binding"
	BindingOwner1  = "binding/owner/1"
	BindingOwner2  = "binding/owner/2"
	BindingForeign = Binding + "/" + Foreign
	BindingLarger  = Binding + "/" + Larger
	Larger         = "larger"
	Replay         = "replay"
	ReplayFirst    = Replay + "/" + First
	ReplaySecond   = Replay + "/" + Second
	ReplayCurrent  = "replay/current"
	ReplayAfter    = Replay + "/" + After
)

// Of transcript.Extensions.
const (
	PKCE                  = "pkce"
	Verifier              = "verifier"
	VerifierRight         = Verifier + "/" + Right
	DPoP                  = "dpop"
	DPoPBad               = "dpop/bad"
	DPoPPlain             = "dpop/plain"
	HeaderType            = "typ"
	DPoPNonce             = "dpop/nonce"
	DPoPIntrospection     = DPoP + "/" + Introspection
	DPoPRefreshOtherKey   = "dpop/refresh other key"
	ReplayAgain           = Replay + "/" + Again
	Resource              = "resource"
	ResourceToken         = Resource + "/" + Token
	ResourceIntrospection = Resource + "/" + Introspection
	Relative              = "relative"
	Fragment              = "fragment"
	Details               = "details"
	DetailsToken          = Details + "/" + Token
	Parameters            = "parameters"
	ParametersControl     = Parameters + "/" + Control
)

// Of transcript.NoSession.
const (
	NotLoggedIn      = "not logged in"
	SessionForgotten = "session forgotten"
	// SessionForgottenAgain forgets the session at a later question, where the first
	// was not the decision.
	SessionForgottenAgain = SessionForgotten + "/" + Again
	WrongPassword         = "wrong password"
)

// Of transcript.WrongUserCodes: a code of the right shape, and the right code but for
// one character.
const (
	NeverIssued  = "never issued"
	FirstChanged = "first character changed"
	LastChanged  = "last character changed"
)

// Of transcript.CompleteURI and transcript.RepeatedConsent.
const (
	Before       = "before"
	BeforeToken  = Before + "/" + Token
	Look         = "look"
	BeforeLook   = "before look"
	AfterLook    = "after look"
	Follow       = "follow"
	FollowDevice = Follow + "/" + Device
	TypeAgain    = "type again"
	AfterTyping  = "after typing"
)

// Of transcript.CodeEntry.
const (
	AsPrinted         = "as printed"
	CompleteURI       = "complete URI"
	OtherCase         = "other case"
	WithoutSeparators = "without separators"
	DashesAdded       = "dashes added"
	SpacesAround      = "spaces around"
	SpacesInside      = "spaces inside"
)

// Of transcript.Abandoned.
const (
	Decision = "decision"
	StopAt   = "stop at"
	AgainAt  = "again at"
)

// Of transcript.DecidedCodes and transcript.TwoPeople.
const (
	Collected        = "collected"
	CollectedToken   = Collected + "/" + Token
	CollectedWhose   = Collected + "/" + Whose
	Uncollected      = "uncollected"
	UncollectedToken = Uncollected + "/" + Token
	UncollectedWhose = Uncollected + "/" + Whose
	AfterWhose       = "after whose"
	AtOnce           = "at once"
	PersonA          = "a"
	PersonB          = "b"
)

// Of transcript.Tenants.
const (
	Own              = "own"
	OwnDevice        = Own + "/" + Device
	OwnToken         = Own + "/" + Token
	OwnIntrospection = Own + "/" + Introspection
	ClientDevice     = "client/device"
	TheirClient      = "their client"
	OurClient        = "our client"
	PageOwner        = Page + "/" + Owner
	Guest            = "guest"
	GuestOwner       = Guest + "/" + Owner
)

// Of transcript.Fleet.
const (
	Approves = "approves"
	Denies   = "denies"
)

// Of transcript.Guessing.
const (
	LoggedIn               = "logged in"
	Anonymous              = "anonymous"
	NewCookies             = "new cookies"
	SomeoneElse            = "someone else"
	SomeoneElseSameAddress = "someone else, same address"
	Trick                  = "trick"
	DeviceCodes            = "device codes"
	UntouchedPoll          = Untouched + "/" + Poll
	UntouchedBefore        = Untouched + "/" + Before
	Spelling               = "spelling"
	SpellingAccepted       = "spelling accepted"
)

// Of transcript.CrossSite.
const (
	CrossSite               = "cross-site"
	Raw                     = "raw"
	NoCSRFToken             = "no token"
	OtherCSRFToken          = "other token"
	CrossSiteNoCSRFToken    = CrossSite + "/" + NoCSRFToken
	CrossSiteOtherCSRFToken = CrossSite + "/" + OtherCSRFToken
	CrossSiteQuery          = "cross-site/query"
	RawControl              = Raw + "/" + Control
	UnseenForm              = "unseen/form"
	UnseenLink              = "unseen/link"
)

// Of transcript.Framing, transcript.Redirection, transcript.Injection and transcript.CrossOriginReads.
const (
	Frame           = "frame"
	WrongCode       = "wrong code"
	VerificationURI = "verification_uri"
	Absolute        = "absolute"
	Text            = "text"
	Typed           = "typed"
	Preflight       = "preflight"
)
