// Command shots photographs pages for the README and for whoever changes them:
//
//	go run ./testdata/shots out/report.html#POLL-05 shot.png 1280x900 dark
//
// The part after # is opened and scrolled to. "dark" and "print" choose the
// colours and the medium.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/devicegrant/devicegrant/suites/useragent/chromium"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: shots FILE[#ID] OUT.png WIDTHxHEIGHT [dark] [print]")
		os.Exit(2)
	}
	if err := shoot(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, "shots:", err)
		os.Exit(1)
	}
}

func shoot(file, out, size string, how []string) error {
	var width, height int64
	if _, err := fmt.Sscanf(size, "%dx%d", &width, &height); err != nil {
		return fmt.Errorf("the size %q is not WIDTHxHEIGHT: %w", size, err)
	}
	name, id, _ := strings.Cut(file, "#")
	path, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	browser, err := chromium.Find("", nil)
	if err != nil {
		return err
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(browser.Path), chromedp.WindowSize(int(width), int(height)), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("no-sandbox", os.Geteuid() == 0))...)
	defer stop()
	tab, cancel := chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(tab); err != nil {
		return err
	}
	ctx, done := context.WithTimeout(tab, 30*time.Second)
	defer done()
	media := emulation.SetEmulatedMediaParams{}
	if slices.Contains(how, "dark") {
		media.Features = []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}
	}
	if slices.Contains(how, "print") {
		media.Media = "print"
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		return err
	}
	if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600}); err != nil {
		return err
	}
	address := "file://" + path
	if id != "" {
		address += "#" + id
	}
	got, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: address})
	if err != nil {
		return err
	}
	if got.ErrorText != "" {
		return fmt.Errorf("%s: %s", address, got.ErrorText)
	}
	time.Sleep(500 * time.Millisecond) // the fonts
	picture, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
	if err != nil {
		return err
	}
	return os.WriteFile(out, picture.Data, 0o644)
}
