// Package totp makes the one-time codes of an authenticator app (RFC 6238) from the
// secret of an account in a profile.
package totp

import (
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// Key makes the codes of one account.
type Key struct {
	secret string
	period time.Duration
	opts   hotp.ValidateOpts
}

// errKey does not quote the key.
var errKey = errors.New("neither a base32 secret nor an otpauth://totp/ URL")

// Parse reads a key: a secret in base32, with or without spaces, dashes and padding, as
// pages show it beside the QR code, or the otpauth:// URL that the QR code holds.
func Parse(s string) (Key, error) {
	s = strings.TrimSpace(s)
	key := Key{secret: s, period: 30 * time.Second, opts: hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}}
	if len(s) > len("otpauth:") && strings.EqualFold(s[:len("otpauth:")], "otpauth:") {
		u, err := otp.NewKeyFromURL(s)
		if err != nil || u.Type() != "totp" || u.Period() == 0 || u.Period() > 3600 {
			return Key{}, errKey
		}
		key.secret, key.period = u.Secret(), time.Duration(u.Period())*time.Second
		key.opts = hotp.ValidateOpts{Digits: u.Digits(), Algorithm: u.Algorithm()}
	}
	key.secret = strings.TrimRight(strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(key.secret)), "=")
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key.secret); err != nil || len(raw) == 0 {
		return Key{}, errKey
	}
	return key, nil
}

// Step numbers the time step at a moment.
func (k Key) Step(at time.Time) int64 { return at.Unix() / int64(k.period/time.Second) }

// Begins is when a time step begins.
func (k Key) Begins(step int64) time.Time { return time.Unix(step*int64(k.period/time.Second), 0) }

// Code returns the code of a time step.
func (k Key) Code(step int64) (string, error) {
	return hotp.GenerateCodeCustom(k.secret, uint64(step), k.opts)
}
