package totp_test

import (
	"testing"
	"time"

	"github.com/devicegrant/devicegrant/profiles/totp"
)

// TestVectors: RFC 6238 appendix B, whose secret is 12345678901234567890.
func TestVectors(t *testing.T) {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for _, c := range []struct {
		key  string
		at   int64
		want string
	}{
		{"otpauth://totp/a:b?digits=8&secret=" + secret, 59, "94287082"},
		{"otpauth://totp/a:b?digits=8&secret=" + secret, 1111111109, "07081804"},
		{"otpauth://totp/a:b?digits=8&secret=" + secret, 20000000000, "65353130"},
		{secret, 59, "287082"},
		{" gezd gnbv-gy3t qojq gezd gnbv gy3t qojq== ", 59, "287082"},
		{"otpauth://totp/a:b?period=60&secret=" + secret, 119, "287082"},
	} {
		key, err := totp.Parse(c.key)
		if err != nil {
			t.Errorf("%s: %v", c.key, err)
			continue
		}
		at := time.Unix(c.at, 0)
		if got, err := key.Code(key.Step(at)); got != c.want || err != nil {
			t.Errorf("%s at %d: %q, %v; want %q", c.key, c.at, got, err, c.want)
		}
		if begins := key.Begins(key.Step(at)); begins.After(at) || key.Step(begins) != key.Step(at) {
			t.Errorf("%s: the step of %d begins at %d", c.key, c.at, begins.Unix())
		}
	}
}

func TestNoKeys(t *testing.T) {
	for _, s := range []string{"", "  ", "123456", "hunter2!", "otpauth://hotp/a?secret=GEZDGNBV", "otpauth://totp/a", "otpauth:", "otpauth://%"} {
		if _, err := totp.Parse(s); err == nil {
			t.Errorf("%q is a key", s)
		}
	}
}
