package loadgen

// kind is what a request asks for.
type kind uint8

// The kinds.
const (
	kindIssue kind = iota // a device authorization request (section 3.1)
	kindPoll              // a device access token request (section 3.4)
	kinds
)

func (k kind) String() string { return [kinds]string{"issue", "poll"}[k] }

// outcome is how a request ended.
type outcome uint8

// The outcomes. Those up to outcomeExpired are the protocol's own.
const (
	outcomeCodes         outcome = iota // a device authorization response
	outcomeToken                        // an access token
	outcomePending                      // authorization_pending
	outcomeSlowDown                     // slow_down
	outcomeDenied                       // access_denied
	outcomeExpired                      // expired_token
	outcomeInvalidGrant                 // invalid_grant
	outcomeOtherError                   // another error code
	outcomeTooMany                      // status 429 without an error code of the grant
	outcomeUnavailable                  // status 503
	outcomeServerError                  // another status 5xx
	outcomeNotUnderstood                // nothing of all that
	outcomeLost                         // a failure of the transport
	outcomeTimedOut                     // no answer in time
	outcomeCensored                     // no answer yet when the run ended
	outcomes
)

var outcomeNames = [outcomes]string{"codes", "token", "authorization_pending", "slow_down", "access_denied", "expired_token",
	"invalid_grant", "other error", "429", "503", "5xx", "not understood", "lost", "timeout", "censored"}

func (o outcome) String() string { return outcomeNames[o] }

// answered says that the target said something.
func (o outcome) answered() bool { return o < outcomeLost }

// unanswered is the contrary: nothing came, or nothing whole.
func (o outcome) unanswered() bool { return o >= outcomeLost }

// failed says that the target did not do its work: what the threshold errors
// counts. Being told to come back later is no error of a device that hurries,
// but 429 and 503 are none of the grant's answers.
func (o outcome) failed() bool { return o >= outcomeOtherError }
