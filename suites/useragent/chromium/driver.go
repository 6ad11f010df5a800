package chromium

import "github.com/devicegrant/devicegrant/suites/useragent"

// NewDriver returns a driver by its name: browser, forms, hook or manual. It
// extends [useragent.New] by the browser.
func NewDriver(name string, o useragent.Options) (useragent.Driver, error) {
	if name == "browser" {
		return New(o)
	}
	return useragent.New(name, o)
}
