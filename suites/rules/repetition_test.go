package rules

import "testing"

// The bounds are those of tables of the Clopper-Pearson interval.
func TestConfidence(t *testing.T) {
	for _, c := range []struct {
		k, n int
		want string
	}{
		{0, 0, "none seen"},
		{0, 20, "95% confidence: less than 13.9%"},
		{0, 200, "95% confidence: less than 1.5%"},
		{1, 20, "95% confidence: 0.1% to 24.9%"},
		{3, 60, "95% confidence: 1.0% to 13.9%"},
		{10, 200, "95% confidence: 2.4% to 9.0%"},
		{5, 10, "95% confidence: 18.7% to 81.3%"},
		{10, 10, "95% confidence: 69.2% to 100.0%"},
	} {
		if got := confidence(c.k, c.n); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.k, c.n, got, c.want)
		}
	}
}
