package page

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/devicegrant/devicegrant/suites/report"
)

// cleaned is a copy of what the page shows whose texts can all be shown, none
// longer than most bytes. It
// goes over the whole value, so that a field that is added later is not
// forgotten. Values of html/template's own types are ours, and stay.
func cleaned[T any](v T, most int) T {
	return cleanedValue(reflect.ValueOf(v), most).Interface().(T)
}

func cleanedValue(v reflect.Value, most int) reflect.Value {
	if v.Type().PkgPath() == "html/template" {
		return v
	}
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.String:
		out.SetString(report.Visible(clip(v.String(), most)))
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(cleanedValue(v.Field(i), most))
		}
	case reflect.Slice:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(cleanedValue(v.Index(i), most))
		}
	case reflect.Pointer:
		if v.IsNil() {
			break
		}
		out.Set(reflect.New(v.Type().Elem()))
		out.Elem().Set(cleanedValue(v.Elem(), most))
	}
	return out
}

// clip bounds a text and says how much is missing.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s … (%d bytes more in result.json)", strings.ToValidUTF8(s[:most], ""), len(s)-most)
}
