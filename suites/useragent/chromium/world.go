package chromium

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// evaluate runs a script of ours in a world of its own: it sees the page's
// document, and none of the page's scripts. A page that bends Array or JSON to
// its needs harms nobody else. The world lasts as long as the document, so that
// what one script keeps the next one finds.
func evaluate[T any](c context.Context, frame cdp.FrameID, script string) (value T, err error) {
	world, err := chromedp.Call(c, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: frame, WorldName: "devicegrant"})
	if err != nil {
		return value, err
	}
	yes := true
	got, err := chromedp.Call(c, runtime.Evaluate, runtime.EvaluateParams{Expression: script, ContextID: world.ExecutionContextID, ReturnByValue: &yes})
	switch {
	case err != nil:
		return value, err
	case got.ExceptionDetails != nil:
		return value, unreadable(got.ExceptionDetails)
	case got.Result == nil || len(got.Result.Value) == 0:
		return value, nil
	}
	return value, json.Unmarshal(got.Result.Value, &value)
}

// unreadable is the error of a page on which a script of ours fails: nothing is
// wrong with the way to it.
func unreadable(details *runtime.ExceptionDetails) error {
	what := details.Text
	if details.Exception != nil && details.Exception.Description != "" {
		what = details.Exception.Description
	}
	return useragent.Failed(transcript.NotRecognised, fmt.Sprintf("the page cannot be read: %s", pages.Tidy(what, pages.MaxLabel)))
}
