package report

import (
	"fmt"
	"reflect"

	"github.com/devicegrant/devicegrant/loadgen"
	"github.com/devicegrant/devicegrant/suites/report"
)

// maxText bounds each text of a report, in characters. What is longer stands in
// load.json as a whole.
const maxText = 2000

// cleaned is a copy of the result whose texts can all be shown. It goes over
// the whole result, so that a field that is added later is not forgotten.
func cleaned(r loadgen.Result) loadgen.Result {
	return cleanedValue(reflect.ValueOf(r)).Interface().(loadgen.Result)
}

func cleanedValue(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.String:
		out.SetString(cleanedText(v.String()))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(cleanedValue(v.Field(i)))
			}
		}
	case reflect.Slice:
		// Bytes are the plan in JSON, which is cleaned when it is shown.
		if v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(cleanedValue(v.Index(i)))
		}
	case reflect.Map:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for entry := v.MapRange(); entry.Next(); {
			out.SetMapIndex(cleanedValue(entry.Key()), cleanedValue(entry.Value()))
		}
	case reflect.Pointer:
		if v.IsNil() {
			break
		}
		out.Set(reflect.New(v.Type().Elem()))
		out.Elem().Set(cleanedValue(v.Elem()))
	}
	return out
}

// cleanedText bounds a text and makes visible what would hide in it or turn it
// around. The bound comes first: the rest may be megabytes.
func cleanedText(s string) string {
	cut, left := bounded(s, maxText)
	s = report.Visible(cut)
	if left > 0 {
		s += fmt.Sprintf("… (%s bytes more)", count(left))
	}
	return s
}

// bounded is the beginning of s, of at most limit characters, and how many
// bytes follow.
func bounded(s string, limit int) (string, int) {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i], len(s) - i
		}
		n++
	}
	return s, 0
}
