package report

import (
	"fmt"
	"html/template"
	"reflect"
)

// pageFuncs are what the templates can do beside showing a value.
var pageFuncs = template.FuncMap{
	"count": count, "ms": millis, "span": span, "rate": rate, "share": share, "size": size, "plain": plain,
	"instant": instant, "short": ended(maxName), "line": ended(maxLine), "head": head, "more": more,
	"thousand": func(v float64) float64 { return 1000 * v },
}

// An error code is as long as the target likes. maxName bounds a name in a table
// or a heading, maxLine a sentence or two.
const (
	maxName = 80
	maxLine = 300
)

func ended(limit int) func(string) string {
	return func(s string) string {
		if cut, left := bounded(s, limit); left > 0 {
			return cut + "…"
		}
		return s
	}
}

// instant is a time of the run to the millisecond, for histories: what came
// first has to be seen.
func instant(ms float64) string {
	if !finite(ms) {
		return nothing
	}
	return fmt.Sprintf("%.3f s", ms/1e3)
}

// head is the beginning of a list, and more how much it leaves out.
func head(n int, list any) any {
	v := reflect.ValueOf(list)
	return v.Slice(0, min(n, v.Len())).Interface()
}

func more(n int, list any) int { return max(0, reflect.ValueOf(list).Len()-n) }
