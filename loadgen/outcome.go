package loadgen

// Kind is what a request asks for.
type Kind uint8

// The kinds.
const (
	Issue Kind = iota // a device authorization request (section 3.1)
	Poll              // a device access token request (section 3.4)
	kinds
)

func (k Kind) String() string { return [kinds]string{"issue", "poll"}[k] }

// Outcome is how a request ended.
type Outcome uint8

// The outcomes. Those up to ExpiredToken are the protocol's own.
const (
	Codes         Outcome = iota // a device authorization response
	Token                        // an access token
	Pending                      // authorization_pending
	SlowDownHeard                // slow_down
	Denied                       // access_denied
	ExpiredToken                 // expired_token
	InvalidGrant                 // invalid_grant
	OtherError                   // another error code
	TooMany                      // status 429 without an error code of the grant
	Unavailable                  // status 503
	ServerError                  // another status 5xx
	NotUnderstood                // nothing of all that
	Lost                         // a fault of the transport
	TimedOut                     // no answer in time
	Censored                     // no answer yet when the run ended
	outcomes
)

var outcomeNames = [outcomes]string{"codes", "token", "authorization_pending", "slow_down", "access_denied", "expired_token",
	"invalid_grant", "other error", "429", "503", "5xx", "not understood", "lost", "timeout", "censored"}

func (o Outcome) String() string { return outcomeNames[o] }

// answered says that the target said something.
func (o Outcome) answered() bool { return o < Lost }

// unanswered is the contrary: nothing came, or nothing whole.
func (o Outcome) unanswered() bool { return o >= Lost }

// failed says that the target did not do its work: what the threshold errors
// counts. Being told to come back later is no error of a device that hurries,
// but 429 and 503 are none of the grant's answers.
func (o Outcome) failed() bool { return o >= OtherError }
