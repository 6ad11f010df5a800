package page

import (
	"fmt"
	"net/http"

	"github.com/devicegrant/devicegrant/suites/report"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// exchange is one request and its answer.
type exchange struct {
	// Ref is where the exchange stands among the conversations, as a fragment.
	Ref         string
	N           int
	Label       string
	Method, URL string
	Outcome     string
	At, Took    string
	Sent, Got   message
	Status      string
	Failure     string
	Truncated   bool
	Curl        string
	Unanswered  bool
}

type message struct {
	Headers []header
	More    int // headers that are not shown
	Body    string
}

type header struct{ Name, Value string }

func newExchange(scenario string, x wire.Exchange, l limits) exchange {
	// What is repeated in a command line is bounded before it is quoted.
	x.URL, x.Method = clip(x.URL, 1000), clip(x.Method, 40)
	short := x
	short.Request.Header = http.Header{}
	lines, _ := headers(x.Request.Header, l.headers)
	for _, line := range lines {
		short.Request.Header[line.Name] = append(short.Request.Header[line.Name], line.Value)
	}
	e := exchange{
		Ref: exchangeID(scenario, x.N), N: x.N, Label: clip(x.Label, 120), Method: x.Method, URL: x.URL,
		Outcome: report.Outcome(x), At: seconds(float64(x.Sent.Microseconds()) / 1000), Curl: clip(report.Curl(short), 2000),
		Truncated: x.Truncated, Unanswered: x.Response == nil,
	}
	if took := x.Received - x.Sent; took > 0 {
		e.Took = milliseconds(float64(took.Microseconds()) / 1000)
	}
	e.Sent = newMessage(x.Request, l)
	if x.Response != nil {
		e.Status = clip(fmt.Sprintf("%s %d", x.Proto, x.Status), 60)
		e.Got = newMessage(*x.Response, l)
	}
	if x.Failure != nil {
		e.Failure = clip(x.Failure.Error(), 600)
	}
	return e
}

func newMessage(m wire.Message, l limits) message {
	out := message{Body: body(m.Body, m.Header, l.body)}
	out.Headers, out.More = headers(m.Header, l.headers)
	return out
}

func seconds(ms float64) string { return fmt.Sprintf("%.3f s", ms/1000) }

func milliseconds(ms float64) string {
	switch {
	case ms >= 10_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.3g ms", ms)
}
