package suites_test

import (
	"context"
	"fmt"
	"log"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites"
	"github.com/devicegrant/devicegrant/suites/builtin"
)

// The device authorization response of the reference server, judged. For a
// server of your own load its profile, and leave Select out to judge everything.
func ExampleRun() {
	server, err := builtin.StartDefault(1)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	profile, err := profiles.Load("builtin", profiles.Options{
		Set: []string{"base_url=" + server.URL}, Getenv: server.Getenv,
	})
	if err != nil {
		log.Fatal(err)
	}

	result, err := suites.Run(context.Background(), suites.Options{
		Profile: profile,
		Browser: "none",
		Select:  []string{"RESP-0[1-4]"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, check := range result.Checks {
		if check.Verdict != "skip" {
			fmt.Println(check.ID, check.Verdict)
		}
	}
	fmt.Println("exit status", result.ExitCode)
	// Output:
	// RESP-01 pass
	// RESP-02 pass
	// RESP-03 pass
	// RESP-04 pass
	// exit status 0
}
