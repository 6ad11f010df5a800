package fakeidp

import "net/http"

// see makes a fault out of a look at the answers.
func see(change func(x *exchange)) func() behaviour {
	return func() behaviour { return behaviour{response: change} }
}

// meet makes a fault out of a look at the requests.
func meet(change func(x *exchange) (answered bool)) func() behaviour {
	return func() behaviour { return behaviour{request: change} }
}

// tokens says that the answer gives tokens for a device code.
func (x *exchange) tokens() bool {
	return x.post(pathToken) && x.status == http.StatusOK && x.form.Get("grant_type") == grantTypeDevice
}
