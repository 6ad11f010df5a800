package profiles

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestRecord: what a profile says survives the way through a result, and its
// secrets do not go along.
func TestRecord(t *testing.T) {
	for _, name := range Names() {
		p, err := Load(name, Options{Getenv: func(name string) string {
			if strings.HasSuffix(name, "_KEY") {
				return testKey
			}
			return "very secret value"
		}})
		if err != nil {
			t.Fatal(err)
		}
		recorded, err := p.Record()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(recorded), "very secret value") {
			t.Errorf("%s: a secret is recorded", name)
		}
		back, err := FromRecord(recorded)
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.Record()
		if err != nil {
			t.Fatal(err)
		}
		var first, second any
		if json.Unmarshal(recorded, &first) != nil || json.Unmarshal(again, &second) != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%s changes on the way:\n%s\n%s", name, recorded, again)
		}
		if c := back.Clients.Confidential; p.Clients.Confidential != nil && (c == nil || c.Secret == nil || c.Secret.Reveal() != "") {
			t.Errorf("%s: the confidential client is %+v", name, c)
		}
	}
}
