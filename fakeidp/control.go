package fakeidp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
)

// Control returns the handler of the control plane, for tests. It can decide
// about any code. It therefore answers only requests whose Host is a loopback
// name and whose body is declared as JSON: a web page that the tester happens
// to visit can send neither. The package documentation lists the requests.
func (p *IdP) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]string{"status": "ok", "issuer": p.config.Issuer})
	})
	mux.HandleFunc("GET /codes", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"codes": p.Codes()})
	})
	mux.HandleFunc("GET /codes/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, err := p.Code(r.PathValue("code"))
		controlAnswer(w, code, err)
	})
	mux.HandleFunc("POST /approve", p.controlCode(func(o order) error {
		return p.Approve(o.code(), o.User, strings.Fields(o.Scope)...)
	}))
	mux.HandleFunc("POST /deny", p.controlCode(func(o order) error { return p.Deny(o.code()) }))
	mux.HandleFunc("POST /expire", p.controlCode(func(o order) error { return p.Expire(o.code()) }))
	mux.HandleFunc("GET /clock", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, p.clockReading())
	})
	mux.HandleFunc("POST /clock", p.controlClock)
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"active": p.ActiveFaults(), "faults": Faults()})
	})
	mux.HandleFunc("POST /faults", p.controlFaults)
	mux.HandleFunc("POST /script", p.controlScript)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"routes": controlRoutes})
	})
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		p.Reset()
		writeJSON(w, map[string]string{"status": "ok"})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !loopbackHost(r.Host):
			controlError(w, http.StatusForbidden, "the control plane answers on loopback only")
		case r.Method == http.MethodPost && !isJSON(r):
			controlError(w, http.StatusUnsupportedMediaType, "the content type must be application/json")
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// controlRoutes is what GET / answers.
var controlRoutes = []string{
	`POST /approve {"user_code": "...", "user": "alice", "scope": "..."}`,
	`POST /deny {"user_code": "..."}`,
	`POST /expire {"device_code": "..."}`,
	`GET /codes`, `GET /codes/{user code or device code}`,
	`GET /clock`, `POST /clock {"rate": 5, "jump": 600}`,
	`GET /faults`, `POST /faults {"client_id": "...", "faults": ["M05"]}`,
	`POST /script [{"client": "...", "token": [{"answer": "slow_down", "times": 3}]}]`,
	`POST /reset`, `GET /health`,
}

// controlFaults switches the faults of a client, or of all of them.
func (p *IdP) controlFaults(w http.ResponseWriter, r *http.Request) {
	var o struct {
		ClientID string   `json:"client_id"`
		Faults   []string `json:"faults"`
	}
	if err := decodeJSON(w, r, &o); err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	err := p.SetFaults(o.ClientID, o.Faults...)
	controlAnswer(w, map[string]any{"active": p.ActiveFaults()}, err)
}

// loopbackHost checks a Host header. A page elsewhere whose name was made to
// resolve to loopback still sends that name.
func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func isJSON(r *http.Request) bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && t == "application/json"
}

// order is the body of a request about one code.
type order struct {
	UserCode   string `json:"user_code"`
	DeviceCode string `json:"device_code"`
	User       string `json:"user"`
	Scope      string `json:"scope"`
}

func (o order) code() string {
	if o.DeviceCode != "" {
		return o.DeviceCode
	}
	return o.UserCode
}

func (p *IdP) controlCode(act func(order) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o order
		if err := decodeJSON(w, r, &o); err != nil {
			controlError(w, http.StatusBadRequest, err.Error())
			return
		}
		if (o.UserCode == "") == (o.DeviceCode == "") {
			controlError(w, http.StatusBadRequest, "give either user_code or device_code")
			return
		}
		if err := act(o); err != nil {
			controlAnswer(w, nil, err)
			return
		}
		code, err := p.Code(o.code())
		controlAnswer(w, code, err)
	}
}

// clockChange is the body of POST /clock; both are optional.
type clockChange struct {
	Rate *float64 `json:"rate"`
	// Jump is in target seconds.
	Jump *float64 `json:"jump"`
}

type clockReading struct {
	Now  time.Time `json:"now"`
	Rate float64   `json:"rate,omitempty"`
}

// controlledClock is a clock that the control plane can change.
type controlledClock interface {
	Clock
	Rate() float64
	SetRate(rate float64) error
	Jump(d time.Duration) error
}

func (p *IdP) clockReading() clockReading {
	reading := clockReading{Now: p.clock.Now()}
	if c, ok := p.clock.(controlledClock); ok {
		reading.Rate = c.Rate()
	}
	return reading
}

func (p *IdP) controlClock(w http.ResponseWriter, r *http.Request) {
	var change clockChange
	if err := decodeJSON(w, r, &change); err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	if err := p.changeClock(change); err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, p.clockReading())
}

// maxJump is a century, far inside the range of time.Duration.
const maxJump = 100 * 365 * 24 * 3600

func (p *IdP) changeClock(change clockChange) error {
	c, ok := p.clock.(controlledClock)
	if !ok {
		return errors.New("fakeidp: this clock cannot be changed")
	}
	if change.Rate != nil {
		if err := c.SetRate(*change.Rate); err != nil {
			return err
		}
	}
	if change.Jump != nil {
		if *change.Jump > maxJump {
			return errors.New("fakeidp: the clock cannot jump that far")
		}
		return c.Jump(time.Duration(*change.Jump * float64(time.Second)))
	}
	return nil
}

func decodeJSON(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("the body is not valid: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the body contains more than one JSON value")
	}
	return nil
}

func controlAnswer(w http.ResponseWriter, v any, err error) {
	switch {
	case err == nil:
		writeJSON(w, v)
	case errors.Is(err, ErrUnknownCode):
		controlError(w, http.StatusNotFound, err.Error())
	case errors.Is(err, ErrDecided), errors.Is(err, ErrExpired):
		controlError(w, http.StatusConflict, err.Error())
	default:
		controlError(w, http.StatusBadRequest, err.Error())
	}
}

func controlError(w http.ResponseWriter, status int, why string) {
	body, err := json.Marshal(map[string]string{"error": why})
	if err != nil {
		panic(err)
	}
	setHeaders(w.Header())
	w.WriteHeader(status)
	w.Write(body)
}
