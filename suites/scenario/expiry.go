package scenario

import (
	"fmt"
	"sync"
	"time"
)

const (
	// expiryMargin is kept between the end of a lifetime and the first poll
	// that must see it ended.
	expiryMargin = 2 * time.Second
	expiredPolls = 3
	// maxKeepAlive bounds the polls of the code that is polled all through.
	maxKeepAlive = 200
)

// expiry lets two codes expire with one wait: one that nobody touches, and one
// that is polled at the interval all through its lifetime, since some stores
// extend a record's life at each write.
//
// Labels: untouched/device, untouched/expired/1 ...; polled/device,
// polled/alive/1 ..., polled/expired/1 ...
func expiry(c *conversation) error {
	client := c.Profile.Clients.Public
	if c.Profile.Expiry != nil && c.Profile.Expiry.Client != nil {
		client = c.Profile.Expiry.Client
	}
	untouched, err := c.issueAt("untouched/device", client, c.Target.Expiry)
	if err != nil {
		return err
	}
	if untouched.lifetime == 0 {
		return fmt.Errorf("the device authorization response has no usable expires_in")
	}
	if err := c.tooLong(untouched.lifetime); err != nil {
		return err
	}
	polled, err := c.issueAt("polled/device", client, c.Target.Expiry)
	if err != nil {
		return err
	}
	untouched.mayExpire, polled.mayExpire = true, true
	var (
		both          sync.WaitGroup
		first, second error
	)
	both.Go(func() { first = untouched.outlive("untouched") })
	both.Go(func() {
		if second = polled.keepPolling("polled/alive"); second == nil {
			second = polled.outlive("polled")
		}
	})
	both.Wait()
	if first != nil {
		return first
	}
	return second
}

// tooLong is the error for a lifetime beyond the time budget.
func (c *conversation) tooLong(lifetime time.Duration) error {
	if c.TimeBudget <= 0 || lifetime <= c.TimeBudget {
		return nil
	}
	return &Skipped{fmt.Sprintf("the codes live %s and the time budget is %s: give --time-budget %s, or an expiry target with a short lifetime in the profile",
		lifetime, c.TimeBudget, (lifetime + time.Minute).Round(time.Minute))}
}

// keepPolling polls at the interval until the lifetime is nearly over.
func (d *device) keepPolling(label string) error {
	for i := 1; i <= maxKeepAlive; i++ {
		next := d.last + d.interval + d.guard()
		if next > d.issued+d.lifetime-d.guard() {
			break
		}
		if _, err := d.poll(fmt.Sprintf("%s/%d", label, i)); err != nil {
			return err
		}
	}
	return nil
}

// outlive waits until the code has surely expired, then polls it a few times
// at the interval.
func (d *device) outlive(label string) error {
	expired := d.issued + d.lifetime + d.guard() + expiryMargin
	if err := d.c.sleep("a code to expire", expired-d.c.Clock.Now()); err != nil {
		return err
	}
	for i := range expiredPolls {
		if _, err := d.poll(fmt.Sprintf("%s/expired/%d", label, i+1)); err != nil {
			return err
		}
	}
	return nil
}
