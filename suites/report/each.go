package report

import "reflect"

// Each returns a copy of a value in which change was applied to every string,
// including fields that are added later. Bytes, unexported fields and the types
// of html/template stay as they are.
func Each[T any](value T, change func(string) string) T {
	return eachText(reflect.ValueOf(&value).Elem(), change).Interface().(T)
}

func eachText(v reflect.Value, change func(string) string) reflect.Value {
	if v.Type().PkgPath() == "html/template" {
		return v
	}
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.String:
		out.SetString(change(v.String()))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(eachText(v.Field(i), change))
			}
		}
	case reflect.Slice:
		if v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(eachText(v.Index(i), change))
		}
	case reflect.Map:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for entry := v.MapRange(); entry.Next(); {
			out.SetMapIndex(eachText(entry.Key(), change), eachText(entry.Value(), change))
		}
	case reflect.Pointer:
		if v.IsNil() {
			break
		}
		out.Set(reflect.New(v.Type().Elem()))
		out.Elem().Set(eachText(v.Elem(), change))
	}
	return out
}
