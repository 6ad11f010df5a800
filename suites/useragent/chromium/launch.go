package chromium

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// launch starts a browser, or attaches to one that runs elsewhere.
func (c *chrome) launch(ctx context.Context, start string) (*instance, error) {
	p := &instance{}
	output := &useragent.Tail{}
	var allocator context.Context
	var stopAllocator context.CancelFunc
	if c.browser.Remote() {
		allocator, stopAllocator = remote.NewAllocator(context.Background(), c.browser.Path)
	} else {
		var err error
		if p.dir, err = makeRunDir(c.o.TempDir); err != nil {
			return nil, useragent.Failed(transcript.BrowserLost, err.Error())
		}
		allocator, stopAllocator = chromedp.NewExecAllocator(context.Background(), c.flags(ctx, p.dir, output, start)...)
	}
	quiet := func(string, ...any) {}
	first, closeTab := chromedp.NewContext(allocator, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	p.ctx = first
	// Once: the cancel function of a tab that owns its browser blocks for ever
	// when it is called a second time.
	p.cancel = sync.OnceFunc(func() { closeTab(); stopAllocator() })
	// The first Do owns the browser: it must have no time limit of its own.
	if err := bounded(ctx, startLimit, p.cancel, func() error { return chromedp.Do(first) }); err != nil {
		p.cancel()
		if p.dir != "" {
			_ = removeRunDir(p.dir) // the next run sweeps it
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, c.startFailed(err, output.String())
	}
	if p.dir != "" {
		go p.weigh()
	}
	return p, nil
}

// startFailed words that the browser is not there. One that ends at once may
// show as the end of its own context only.
func (c *chrome) startFailed(err error, output string) error {
	cause := c.browser.Path + " did not start"
	if errors.Is(err, context.Canceled) {
		cause += ": it exited immediately"
	} else {
		cause += fmt.Sprintf(": %v", err)
	}
	if output = pages.Tidy(output, pages.MaxText); output != "" && !strings.Contains(cause, output) {
		cause += "; its output: " + output
	}
	if strings.Contains(cause, "No usable sandbox") {
		cause = c.browser.Path + " did not start: no usable sandbox, as for users other than root in a container. " +
			"Set DEVICEGRANT_BROWSER to a script that runs it with --no-sandbox \"$@\""
	}
	class := transcript.BrowserLost
	if errors.Is(err, os.ErrNotExist) {
		class = transcript.NoBrowser
		cause += "; set DEVICEGRANT_BROWSER, or install the package chromium-headless-shell"
	}
	return useragent.Failed(class, cause)
}

func (c *chrome) flags(ctx context.Context, dir string, output *useragent.Tail, start string) []chromedp.ExecAllocatorOption {
	o := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(c.browser.Path),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("lang", c.o.Verification.Locale),
		chromedp.Flag("accept-lang", c.o.Verification.Locale),
		chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.WindowSize(1000, 800),
		// The environment holds the run's secrets.
		chromedp.NoInheritEnv,
		chromedp.Env("HOME="+dir, "TMPDIR="+dir, "PATH="+c.o.Getenv("PATH")),
		chromedp.CombinedOutput(output),
	)
	if c.o.Headed {
		o = append(o, chromedp.VisibleWindow)
		for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"} {
			if value := c.o.Getenv(name); value != "" {
				o = append(o, chromedp.Env(name+"="+value))
			}
		}
	}
	if c.o.TLS.CAFile != "" && !c.o.TLS.Insecure {
		if pins := c.pins(ctx, start); len(pins) > 0 {
			o = append(o, chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(pins, ",")))
		}
	}
	return o
}

// pins are the keys that the browser shall accept beside its own roots: those
// in tls.ca_file, and that of the start page's host, after it was verified
// against tls.ca_file. The browser compares keys with the chain that a server
// sends, in which the root is usually missing.
func (c *chrome) pins(ctx context.Context, start string) []string {
	var pins []string
	add := func(cert *x509.Certificate) {
		sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
		pins = append(pins, base64.StdEncoding.EncodeToString(sum[:]))
	}
	raw, err := os.ReadFile(c.o.TLS.CAFile)
	if err != nil {
		return nil
	}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			add(cert)
		}
	}
	u, err := url.Parse(start)
	if err != nil || u.Scheme != "https" {
		return pins
	}
	port := cmp.Or(u.Port(), "443")
	config, err := c.o.TrustConfig()
	if err != nil {
		return pins
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return pins // the browser will say what is wrong
	}
	defer conn.Close()
	add(conn.(*tls.Conn).ConnectionState().PeerCertificates[0])
	return pins
}
