package suites

import (
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
)

// newDriver makes a driver by its kind: browser, forms, hook or manual.
func newDriver(kind string, o useragent.Options) (useragent.Driver, error) {
	if kind == "browser" {
		return chromium.New(o)
	}
	return useragent.New(kind, o)
}
