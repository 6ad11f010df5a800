package pages_test

import (
	"slices"
	"testing"

	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// TestBanners: what answers a cookie banner answers no grant, and a page that asks for
// the grant is no banner because it speaks of cookies.
func TestBanners(t *testing.T) {
	r := heuristics(t)
	for source, role := range map[string]string{
		`<div><p>We use cookies and similar technologies.</p><button>Accept all cookies</button><button>Reject all</button></div><p>Success! You may close this window.</p>`:                                                                   pages.RoleSuccess,
		`<div><p>We use cookies and similar technologies.</p><button>Accept</button><button>Decline</button></div><p>The request was denied. Go back to your device.</p>`:                                                                      pages.RoleDenied,
		`<form><p>The television wants access to your account. It sets cookies.</p><button>Accept</button><button>Decline</button></form><form><input type=search><button>Search</button></form>`:                                              pages.RoleConsent,
		`<p>The television wants access.</p><form><button name=d value=yes>Approve</button><button name=d value=no>Deny</button></form><div><p>This site sets cookies to measure use.</p><button>Accept</button><button>Refuse</button></div>`: pages.RoleConsent,
	} {
		v := r.Recognise(snapshotOf(t, source, 200, r.Queries()), "BCDF-GHJK")
		if v.Role != role {
			t.Errorf("%s: %q (%s), want %q", source, v.Role, v.Reason, role)
		}
		if acts := v.Acts(pages.Approve, false); role == pages.RoleConsent {
			if len(acts) == 0 {
				t.Errorf("%s: no way to approve", source)
			} else if said := acts[len(acts)-1].Describe(v); said != `click "Approve"` && said != `click "Accept"` {
				t.Errorf("%s: %s", source, said)
			}
		}
	}
}

// TestParts: a code goes into the fields that the page has for it.
func TestParts(t *testing.T) {
	box := pages.Element{MaxLength: 1}
	for _, test := range []struct {
		text   string
		fields []pages.Element
		want   []string
		fits   bool
	}{
		{"", []pages.Element{{}}, []string{"ABCD-EFGH"}, true},
		{"", []pages.Element{{MaxLength: 8}}, []string{"ABCDEFGH"}, true},
		{"Code: ABCD-", []pages.Element{{MaxLength: 4}}, []string{"EFGH"}, true},
		{"", []pages.Element{{MaxLength: 4}, {MaxLength: 4}}, []string{"ABCD", "EFGH"}, true},
		{"ABCD –", []pages.Element{box, box, box, box}, []string{"E", "F", "G", "H"}, true},
		{"", []pages.Element{box, box, box, box}, []string{"A", "B", "C", "D"}, false},
	} {
		s := &pages.Snapshot{Text: test.text, Elements: test.fields}
		all := make([]int, len(test.fields))
		for i := range all {
			all[i] = i
		}
		if got, fits := s.Parts(all, "ABCD-EFGH"); !slices.Equal(got, test.want) || fits != test.fits {
			t.Errorf("%q, %d fields: %q %v", test.text, len(all), got, fits)
		}
	}
}
