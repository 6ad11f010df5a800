package profiles_test

import (
	"fmt"

	"github.com/devicegrant/devicegrant/profiles"
)

func ExampleLoad() {
	p, err := profiles.Load("builtin", profiles.Options{
		Set:    []string{"base_url=https://idp.example.com", "limits.rate=5"},
		Getenv: func(string) string { return "" },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Issuer, p.Clients.Public.ID, p.Limits.Rate)
	fmt.Println(p.Dropped[0])
	// Output:
	// https://idp.example.com device-public 5
	// clients.confidential: DEVICEGRANT_CLIENT_SECRET is not set
}

func ExampleError() {
	_, err := profiles.Load("builtin", profiles.Options{
		Set: []string{"clients.pubic.id=x", "limits.timeout=15"},
	})
	fmt.Println(err)
	// Output:
	// --set: clients.pubic: unknown key; did you mean "public"?
	// --set: limits.timeout: expected a duration such as 10s or 1m30s, found a bare number; write 15s for seconds
}
