package scenario

import (
	"fmt"
	"slices"

	"github.com/devicegrant/devicegrant/profiles"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// refresh uses the refresh tokens of two approvals: one is presented by another
// client and asks for more than was granted, the other is used a second time
// after it was replaced.
//
// Labels: binding/device, binding/token/1 ..., binding/owner/1,
// binding/foreign, binding/owner/2, binding/larger (with
// binding/larger/introspection); replay/device, replay/token/1 ...,
// replay/first, replay/current (its successor), replay/second, replay/after (the newest
// one, where they are replaced). Journeys: approve binding, approve replay.
func refresh(c *conversation) error {
	client := c.Profile.Clients.Public
	if err := c.afterPages(transcript.Denial, transcript.Approval); err != nil {
		return err
	}
	s, err := c.errander()
	if err != nil {
		return err
	}
	defer s.Close()
	granted, larger := c.lessScope(client)
	binding, err := c.issueFor(labels.Join(labels.Binding, labels.Device), client, c.scopedForm(client, granted))
	if err != nil {
		return err
	}
	replay, err := c.issue(labels.Join(labels.Replay, labels.Device), client)
	if err != nil {
		return err
	}
	if err := c.approve(s, labels.Of(labels.Approve, labels.Binding), binding); err != nil {
		return err
	}
	if err := c.approve(s, labels.Of(labels.Approve, labels.Replay), replay); err != nil {
		return err
	}
	c.leavePages()
	var bound, replayed wire.Exchange
	if err := together(
		func() (err error) {
			bound, err = binding.collect(labels.Join(labels.Binding, labels.Token), patience)
			return
		},
		func() (err error) {
			replayed, err = replay.collect(labels.Join(labels.Replay, labels.Token), patience)
			return
		},
	); err != nil {
		return err
	}
	// One after the other: a slow server would see them overlap, and some end all
	// that an end user gave to a client when one of its tokens is misused.
	c.bindRefresh(binding.client, stringIn(bound, "refresh_token"), larger)
	return c.replayRefresh(replay.client, stringIn(replayed, "refresh_token"))
}

func (c *conversation) bindRefresh(owner *profiles.Client, token string, larger []string) {
	if token == "" {
		return
	}
	// The current token is the last one that came: some servers replace it.
	use := func(label string, client *profiles.Client, scope ...string) wire.Exchange {
		x := c.send(c.refreshRequest(label, client, token, scope))
		if next := stringIn(x, "refresh_token"); next != "" {
			token = next
		}
		return x
	}
	use(labels.BindingOwner1, owner)
	if other := c.otherClient(owner); other != nil {
		use(labels.BindingForeign, other)
	}
	use(labels.BindingOwner2, owner)
	x := use(labels.BindingLarger, owner, larger...)
	c.introspect(labels.Join(labels.Binding, labels.Larger, labels.Introspection), x)
}

func (c *conversation) replayRefresh(owner *profiles.Client, token string) error {
	if token == "" {
		return nil
	}
	grace := c.Profile.Limits.RefreshGrace
	if c.TimeBudget > 0 && grace > c.TimeBudget {
		return &Skipped{fmt.Sprintf("limits.refresh_grace is %s and the time budget is %s: use a longer --time-budget", grace, c.TimeBudget)}
	}
	current := stringIn(c.send(c.refreshRequest(labels.ReplayFirst, owner, token, nil)), "refresh_token")
	if current == "" {
		current = token
	}
	if err := c.sleep("the grace period of a replaced refresh token", grace); err != nil {
		return err
	}
	// Nothing else has ended it meanwhile.
	newest := stringIn(c.send(c.refreshRequest(labels.ReplayCurrent, owner, current, nil)), "refresh_token")
	c.send(c.refreshRequest(labels.ReplaySecond, owner, token, nil))
	if newest != "" && newest != token {
		c.send(c.refreshRequest(labels.ReplayAfter, owner, newest, nil))
	}
	return nil
}

// refreshRequest is RFC 6749 section 6.
func (c *conversation) refreshRequest(label string, client *profiles.Client, token string, scope []string) wire.Request {
	form := wire.Form{{Name: "grant_type", Value: "refresh_token"}, {Name: "refresh_token", Value: token}, {Name: "client_id", Value: client.ID}}
	if len(scope) > 0 {
		form = form.Add("scope", joinScopes(scope))
	}
	return c.tokenRequest(label, client, form)
}

// lessScope splits what a client usually asks for: what to ask for when less is
// to be granted, and what is more than that. Scopes that are about the protocol
// itself stay; where there are no others, more is a scope that nobody knows.
func (c *conversation) lessScope(client *profiles.Client) (less, more []string) {
	usual := c.scopesOf(client)
	for i := len(usual) - 1; i > 0; i-- {
		if s := usual[i]; s != "openid" && s != "offline_access" {
			return slices.Delete(slices.Clone(usual), i, i+1), usual
		}
	}
	return usual, append(slices.Clone(usual), "x-devicegrant-"+c.random.word(8))
}

// scopedForm is the client's device authorization request with other scopes.
func (c *conversation) scopedForm(client *profiles.Client, scopes []string) wire.Form {
	form := c.deviceForm(client)
	if len(scopes) == 0 {
		return form.Without("scope")
	}
	return form.Set("scope", joinScopes(scopes))
}

func stringIn(x wire.Exchange, member string) string {
	o, err := x.Object()
	if err != nil {
		return ""
	}
	s, _ := o.String(member)
	return s
}

// approveAll lets the end user approve several devices, in order. Those that
// could not be approved are left out of what follows.
func (c *conversation) approveAll(s useragent.Agent, devices []*errand) error {
	var failed error
	for _, e := range devices {
		if e.device == nil {
			continue
		}
		task := e.device.task(labels.Of(labels.Approve, e.name), transcript.Approve)
		if e.change != nil {
			e.change(&task)
		}
		if err := unfinished(c.visit(s, task)); err != nil {
			e.device = nil
			if failed == nil {
				failed = err
			}
		}
	}
	return failed
}

// errand is a device that waits for its approval.
type errand struct {
	name   string
	device *device
	change func(*useragent.Task)
}
