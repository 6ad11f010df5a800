package profiles

import "reflect"

// Secrets returns the resolved secrets of the profile, wherever in it they
// stand. It walks the types, so that a key that is added later is not forgotten.
func (p *Profile) Secrets() []Secret {
	var list []Secret
	walkSecrets(reflect.ValueOf(p).Elem(), func(s Secret) {
		if !s.plain && s.Reveal() != "" {
			list = append(list, s)
		}
	})
	return list
}

func walkSecrets(v reflect.Value, visit func(Secret)) {
	if v.Type() == secretType {
		visit(v.Interface().(Secret))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walkSecrets(v.Elem(), visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walkSecrets(v.Field(i), visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkSecrets(v.Index(i), visit)
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			walkSecrets(entry.Value(), visit)
		}
	}
}
