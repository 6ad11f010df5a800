package chromium

import "github.com/devicegrant/devicegrant/suites/useragent"

// NewDriver makes a driver by its name: browser, forms, hook or manual. It is
// [useragent.New] where a browser is wanted, too.
func NewDriver(name string, o useragent.Options) (useragent.Driver, error) {
	if name == "browser" {
		return New(o)
	}
	return useragent.New(name, o)
}
