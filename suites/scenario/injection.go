package scenario

import (
	"net/url"
	"slices"
	"strings"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/transcript/labels"
	"github.com/devicegrant/devicegrant/suites/useragent"
)

// payload is a text that a careless page takes for markup. MARK is replaced by
// a name that occurs nowhere else.
type payload struct{ name, text string }

// templateSum is 7919 * 6101, which only a template engine works out.
const templateSum = "48313819"

// The first is harmless: a page that shows it is one that a payload could harm.
var payloads = []payload{
	{labels.Plain, `MARK`},
	{labels.Text, `</title></textarea><MARK></MARK><script>window.MARK=1</script><img src="x:" onerror="window.MARK=1">`},
	{"attribute", `" MARK="1" autofocus onfocus="window.MARK=1" x="`},
	{"single quotes", `' MARK='1' autofocus onfocus='window.MARK=1' x='`},
	{"script", `</script><script>window.MARK=1</script>';window.MARK=1;//";window.MARK=1;//`},
	{"template", `{{7919*6101}}${7919*6101}#{7919*6101}<%=7919*6101%>{{constructor.constructor('window.MARK=1')()}}`},
}

// reflected are parameters that pages like to show, beside those of their own.
var reflected = []string{"user_code", "error", "error_description", "client_id", "message"}

// injection opens both URIs with a payload in every parameter, and then types
// each payload where the user code belongs. Where no page took or showed any of
// them, it does the same as an end user who has logged in: many servers ask for
// that first.
//
// Attacks: verification_uri/PAYLOAD, verification_uri_complete/PAYLOAD,
// typed/PAYLOAD, and logged in/ATTACK. Journeys: logged in, typed/PAYLOAD,
// logged in/typed/PAYLOAD. Labels: device, device/logged in.
func injection(c *conversation) error {
	client, err := c.bait()
	if err != nil {
		return err
	}
	d, err := c.issue(labels.Device, client)
	if err != nil {
		return err
	}
	s, err := c.victim()
	if err != nil {
		return err
	}
	defer s.Close()
	if c.inject(s, d, "", nil) {
		return nil
	}
	_, j, err := c.lure(s, client, labels.LoggedIn)
	if !j.LoggedIn {
		if j.Name != "" {
			return nil // no login comes before the pages that could show it
		}
		return err
	}
	c.inject(s, d, labels.LoggedIn+"/", account(c.Profile.Users.First))
	return nil
}

// inject tries every payload, and says whether a page took or showed one.
func (c *conversation) inject(s useragent.Attacker, d *device, prefix string, who *useragent.Account) (met bool) {
	for _, p := range payloads {
		mark := useragent.Mark{Name: "x" + c.random.word(11), Sum: templateSum}
		text := strings.ReplaceAll(p.text, "MARK", mark.Name)
		for _, start := range d.starts() {
			poisoned := poison(start.address, append([]string{c.Profile.Verification.CompleteParam}, reflected...), func(string) string { return text })
			met = c.attacked(s.Inject(c.ctx, prefix+start.name+"/"+p.name, poisoned, mark)).Shown || met
		}
		task := d.task(prefix+labels.Join(labels.Typed, p.name), transcript.ReachDecision)
		task.UserCode, task.Account = text, who
		j := c.visit(s, task)
		done := transcript.Attack{Name: task.Name, Method: labels.Typed, URL: task.Start, Delivered: j.CodeTyped && j.Outcome != transcript.InputBlocked, Ended: lastURL(j)}
		switch {
		case j.Outcome == transcript.Unfinished && j.Trouble != nil:
			done.Trouble = j.Trouble.Cause
		case j.Outcome == transcript.InputBlocked:
			done.Blocked = "the page's form validation"
		}
		done.Seen, done.Shown = s.Search(c.ctx, mark)
		done.Shown = done.Shown && done.Delivered
		met = c.attacked(done).Delivered || met
	}
	return met
}

type start struct{ name, address string }

// starts are the addresses at which an end user can begin.
func (d *device) starts() []start {
	list := []start{{"verification_uri", d.verificationURI}}
	if d.complete != "" {
		list = append(list, start{"verification_uri_complete", d.complete})
	}
	return list
}

// poison sets the named parameters, and every one that the address has, to
// what value makes of their names.
func poison(address string, names []string, value func(name string) string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := url.Values{}
	for name := range u.Query() {
		query.Set(name, value(name))
	}
	for _, name := range names {
		query.Set(name, value(name))
	}
	u.RawQuery = query.Encode()
	return u.String()
}

func lastURL(j transcript.Journey) string {
	for _, step := range slices.Backward(j.Steps) {
		if step.URL != "" {
			return step.URL
		}
	}
	return ""
}
