package chromium

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/devicegrant/devicegrant/suites/useragent"
	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// effect is what act.js answers.
type effect struct {
	Gone    bool    `json:"gone"`
	Value   string  `json:"value"`
	Checked bool    `json:"checked"`
	X       float64 `json:"x"`
	Y       float64 `json:"y"`
	Hit     bool    `json:"hit"`
	// Cover is what lies over the element instead; "" for nothing.
	Cover string `json:"cover"`
}

// apply runs one act of act.js on an element.
func (t *tab) apply(ctx context.Context, s *pages.Snapshot, element int, what, text string) (r effect, err error) {
	err = t.do(ctx, func(c context.Context) (err error) {
		r, err = evaluate[effect](c, t.net.mainFrame(), call(actJS, s.Mark, element, what, text))
		return err
	})
	if err == nil && r.Gone {
		err = useragent.ErrStale
	}
	return r, err
}

func (t *tab) Act(ctx context.Context, s *pages.Snapshot, o *useragent.Order) error {
	switch o.Do {
	case pages.Fill:
		texts, fits := s.Parts(o.Elements, o.Text)
		if err := t.fillAll(ctx, s, o.Elements, texts); err != nil {
			return err
		}
		if !fits {
			return useragent.ErrLost
		}
	case pages.Tick, pages.Untick:
		for _, e := range o.Elements {
			if err := t.click(ctx, s, e, o); err != nil {
				return err
			}
			if r, err := t.apply(ctx, s, e, "checked", ""); err != nil {
				return err
			} else if r.Checked != (o.Do == pages.Tick) {
				if _, err := t.apply(ctx, s, e, "click", ""); err != nil {
					return err
				}
			}
		}
	case pages.Press:
		t.net.newAct()
		return t.leaving(ctx, o, func() error { return t.click(ctx, s, o.Elements[0], o) })
	case pages.Enter:
		t.net.newAct()
		return t.leaving(ctx, o, func() error {
			_, err := t.apply(ctx, s, o.Elements[0], "enter", "")
			return err
		})
	}
	return nil
}

// fillAll types a text into each of some fields. Where they do not keep them so, it
// types all in one go, and the page moves on from field to field.
func (t *tab) fillAll(ctx context.Context, s *pages.Snapshot, elements []int, texts []string) error {
	if len(elements) == 1 {
		return t.fill(ctx, s, elements[0], texts[0])
	}
	err := error(nil)
	for i, e := range elements {
		if texts[i] == "" {
			continue // what the page has there stays
		}
		if err = t.fill(ctx, s, e, texts[i]); err != nil {
			break
		}
	}
	if err != nil && !errors.Is(err, useragent.ErrLost) {
		return err
	}
	whole := strings.Join(texts, "")
	if kept, err := t.kept(ctx, s, elements, whole); kept || err != nil {
		return err
	}
	if _, err := t.apply(ctx, s, elements[0], "focus", ""); err != nil {
		return err
	}
	for _, c := range whole {
		if err := t.do(ctx, func(own context.Context) error { return typeText(own, string(c)) }); err != nil {
			return err
		}
	}
	if kept, err := t.kept(ctx, s, elements, whole); kept || err != nil {
		return err
	}
	return useragent.ErrLost
}

// kept says that some fields hold a text, one after the other.
func (t *tab) kept(ctx context.Context, s *pages.Snapshot, elements []int, whole string) (bool, error) {
	held := ""
	for _, e := range elements {
		r, err := t.apply(ctx, s, e, "value", "")
		if err != nil {
			return false, err
		}
		held += r.Value
	}
	return pages.Bare(held) == pages.Bare(whole), nil
}

// fill types a text as a keyboard would, and by script where the page or the
// text does not allow it. It reads back what the page kept.
func (t *tab) fill(ctx context.Context, s *pages.Snapshot, element int, text string) error {
	const tries = 4
	for try := range tries {
		r, err := t.apply(ctx, s, element, "focus", "")
		if err != nil {
			return err
		}
		if typeable(text) && try < tries/2 {
			err = t.do(ctx, func(c context.Context) error { return typeText(c, text) })
			if err == nil {
				_, err = t.apply(ctx, s, element, "typed", "")
			}
		} else if r.Value != text {
			_, err = t.apply(ctx, s, element, "set", text)
		}
		if err != nil {
			return err
		}
		if r, err = t.apply(ctx, s, element, "value", ""); err != nil {
			return err
		}
		if r.Value == text || pages.Bare(text) != "" && pages.Bare(r.Value) == pages.Bare(text) {
			return nil
		}
		sleep(ctx, 30*time.Millisecond)
	}
	return useragent.ErrLost
}

// typeText puts a text where the focus is: in one go but for the last character,
// which is a key that is pressed and released, since some pages listen to keys.
func typeText(ctx context.Context, text string) error {
	_, size := utf8.DecodeLastRuneInString(text)
	before, key := text[:len(text)-size], text[len(text)-size:]
	if before != "" {
		if _, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: before}); err != nil {
			return err
		}
	}
	if key == "" {
		return nil
	}
	down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key, UnmodifiedText: key}
	if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, down); err != nil {
		return err
	}
	_, err := chromedp.Call(ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: key})
	return err
}

// typeable says that a text has only characters that a keyboard makes.
func typeable(text string) bool {
	return text != "" && len(text) <= 200 && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// click uses the mouse where it would hit the element, else a script. What a person
// cannot reach is not clicked.
func (t *tab) click(ctx context.Context, s *pages.Snapshot, element int, o *useragent.Order) error {
	r, err := t.apply(ctx, s, element, "point", "")
	if err != nil {
		return err
	}
	if r.Cover != "" {
		return useragent.Covered(r.Cover)
	}
	if o.ByScript || !r.Hit {
		o.ByScript = true
		_, err := t.apply(ctx, s, element, "click", "")
		return err
	}
	err = t.do(ctx, func(c context.Context) error {
		for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
			p := input.DispatchMouseEventParams{Type: kind, X: r.X, Y: r.Y}
			if kind != input.DispatchMouseEventTypeMouseMoved {
				p.Button, p.ClickCount = input.MouseButtonLeft, 1
			}
			if _, err := chromedp.Call(c, input.DispatchMouseEvent, p); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, useragent.ErrMoving) {
		return nil // the click has worked
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
