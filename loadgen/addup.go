package loadgen

import (
	"fmt"
	"reflect"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// addUp adds figures to others of the same type, field by field. Numbers are
// added and histograms merged; a tag says what else becomes of a field:
//
//	add:"max"    the larger of the two
//	add:"first"  the first that is not empty
//	add:"-"      nothing: it follows from the others
//
// A field of another kind has to have a tag, and fails the tests without one.
func addUp[T any](into *T, from *T) {
	addValue(reflect.ValueOf(into).Elem(), reflect.ValueOf(from).Elem(), "")
}

func addValue(into, from reflect.Value, rule string) {
	switch {
	case rule == "-":
	case into.Kind() == reflect.Struct:
		for i := range into.NumField() {
			addValue(into.Field(i), from.Field(i), into.Type().Field(i).Tag.Get("add"))
		}
	case into.Kind() == reflect.Array:
		for i := range into.Len() {
			addValue(into.Index(i), from.Index(i), rule)
		}
	case into.CanInt() && rule == "max":
		into.SetInt(max(into.Int(), from.Int()))
	case into.CanInt():
		into.SetInt(into.Int() + from.Int())
	case into.CanFloat() && rule == "max":
		into.SetFloat(max(into.Float(), from.Float()))
	case into.CanFloat():
		into.SetFloat(into.Float() + from.Float())
	case into.Kind() == reflect.String && rule == "first":
		if into.Len() == 0 {
			into.SetString(from.String())
		}
	case into.Type() == reflect.TypeFor[*hdrhistogram.Histogram]():
		if from.IsNil() {
			return
		}
		if into.IsNil() {
			into.Set(reflect.ValueOf(newHistogram()))
		}
		into.Interface().(*hdrhistogram.Histogram).Merge(from.Interface().(*hdrhistogram.Histogram))
	default:
		panic(fmt.Sprintf("loadgen: nothing says how a %s adds up", into.Type()))
	}
}
