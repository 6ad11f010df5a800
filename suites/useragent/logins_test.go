package useragent

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestLoginsOneAtATime: an account logs in once at a time, others beside it, and
// whoever is interrupted does not keep the turn.
func TestLoginsOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l logins
		leave, err := l.enter(t.Context(), "anna")
		if err != nil {
			t.Fatal(err)
		}
		if other, err := l.enter(t.Context(), "bert"); err != nil {
			t.Fatal(err)
		} else {
			other()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.enter(ctx, "anna"); err == nil {
			t.Error("anna logs in twice at once")
		}
		in := make(chan struct{})
		go func() {
			again, err := l.enter(t.Context(), "anna")
			if err != nil {
				t.Error(err)
				return
			}
			again()
			close(in)
		}()
		synctest.Wait()
		leave()
		leave()
		<-in
	})
}
