package transcript

// The names of the scenarios. The scenarios are told under these names, and the
// rules ask for them by these names.
const (
	Metadata            = "metadata"
	DeviceAuthorization = "device authorization"
	DeviceErrors        = "device authorization errors"
	Scopes              = "scopes"
	ClientIdentity      = "client identity"
	HostHeaders         = "host headers"
	Transport           = "transport"
	Codes               = "codes"
	TokenErrors         = "device access token errors"
	ClientErrors        = "client authentication errors"
	HostileCharacters   = "hostile characters"
	HostileSizes        = "hostile sizes"
	SteadyPolling       = "steady polling"
	ImpatientPolling    = "impatient polling"
	Throttle            = "throttle"
	SlowedApproval      = "slowed approval"
	HastyNeighbour      = "hasty neighbour"
	Approval            = "approval"
	EarlyApproval       = "early approval"
	Denial              = "denial"
	NoSession           = "approval without a session"
	WrongUserCodes      = "wrong user codes"
	CompleteURI         = "complete URI"
	CodeEntry           = "code entry"
	Abandoned           = "abandoned"
	DecidedCodes        = "decided codes"
	TwoPeople           = "two people"
	Expiry              = "expiry"
)
