package scenario

import (
	"context"
	"strings"

	"golang.org/x/time/rate"
)

// setPace makes the limiters of a run: the profile's rate for everything, its
// ceilings for the two endpoints, and that for typed user codes.
func (e *Environment) setPace() {
	limit := rate.Limit(e.Profile.Limits.Rate)
	if limit <= 0 {
		limit = rate.Inf
	}
	e.limiter = rate.NewLimiter(limit, max(1, int(e.Profile.Limits.Rate/5)))
	e.typing = newTyping(e.Clock, e.Profile.Limits.UserCodesPerMinute)
	e.codes = newCodeLimit(e.Clock)
	e.ceilings = map[string]*rate.Limiter{}
	for endpoint, perMinute := range map[string]int{
		e.Target.Endpoints.DeviceAuthorization: e.Profile.Limits.DeviceAuthorizationPerMinute,
		e.Target.Endpoints.Token:               e.Profile.Limits.TokenPerMinute,
	} {
		if perMinute > 0 {
			e.ceilings[withoutQuery(endpoint)] = ceiling(perMinute)
		}
	}
	for alias, endpoint := range map[string]string{
		e.Target.Endpoints.MTLSDeviceAuthorization: e.Target.Endpoints.DeviceAuthorization, e.Target.Endpoints.MTLSToken: e.Target.Endpoints.Token,
	} {
		if limiter := e.ceilings[withoutQuery(endpoint)]; alias != "" && limiter != nil {
			e.ceilings[withoutQuery(alias)] = limiter
		}
	}
}

// ceiling keeps any minute at or below so many requests: what may come at once
// is taken off the steady rate.
func ceiling(perMinute int) *rate.Limiter {
	burst := max(1, perMinute/10)
	return rate.NewLimiter(rate.Limit(float64(max(1, perMinute-burst))/60), burst)
}

// turn waits until a request to a URL may be sent.
func (e *Environment) turn(ctx context.Context, address string) error {
	if err := e.pulse.wait(ctx); err != nil {
		return err
	}
	if limiter := e.ceilings[withoutQuery(address)]; limiter != nil {
		if err := limiter.Wait(ctx); err != nil {
			return err
		}
	}
	if e.issues(address) {
		if err := e.codes.turn(ctx); err != nil {
			return err
		}
	}
	return e.limiter.Wait(ctx)
}

// issues says that the address is that of the device authorization endpoint.
func (e *Environment) issues(address string) bool {
	bare, at := withoutQuery(address), e.Target.Endpoints
	return bare != "" && (bare == withoutQuery(at.DeviceAuthorization) || bare == withoutQuery(at.MTLSDeviceAuthorization))
}

func withoutQuery(address string) string {
	bare, _, _ := strings.Cut(address, "?")
	return bare
}
