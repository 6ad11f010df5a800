package profiles

import "reflect"

// Secrets returns all resolved secrets of the profile.
func (p *Profile) Secrets() []Secret {
	var list []Secret
	p.EachValue(func(s Secret) {
		if !s.plain && s.Reveal() != "" {
			list = append(list, s)
		}
	}, func(string) {})
	return list
}

// EachValue calls secret for each [Secret], plain ones too, and text for every
// other string, including the keys of maps. It walks the types, so that keys
// added later are included.
func (p *Profile) EachValue(secret func(Secret), text func(string)) {
	eachValue(reflect.ValueOf(p).Elem(), secret, text)
}

func eachValue(v reflect.Value, secret func(Secret), text func(string)) {
	if v.Type() == secretType {
		secret(v.Interface().(Secret))
		return
	}
	switch v.Kind() {
	case reflect.String:
		text(v.String())
	case reflect.Pointer:
		if !v.IsNil() {
			eachValue(v.Elem(), secret, text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachValue(v.Field(i), secret, text)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachValue(v.Index(i), secret, text)
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			eachValue(entry.Key(), secret, text)
			eachValue(entry.Value(), secret, text)
		}
	}
}
