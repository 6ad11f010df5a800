package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
)

// Dialect says where a target's responses differ from RFC 8628 and RFC 6749.
// [Exchange.Object] and [Exchange.OAuthError] translate with it, so that one
// deviation does not hide the rest; [Exchange.Spelled] and [Exchange.Literal]
// do not, for the rules that judge the deviation.
type Dialect struct {
	// Form says that responses are application/x-www-form-urlencoded.
	Form bool
	// Members and Errors map standard member names and error codes to the
	// target's.
	Members, Errors map[string]string
}

// DialectOf returns the dialect for a profile's responses.format, members and
// errors; nil if there is nothing to translate.
func DialectOf(format string, members, errors map[string]string) *Dialect {
	if format != "form" && len(members) == 0 && len(errors) == 0 {
		return nil
	}
	return &Dialect{Form: format == "form", Members: members, Errors: errors}
}

// numbers are the members that stand as text in a form, and mean a number.
var numbers = []string{"expires_in", "interval"}

// object reads a body in the dialect.
func (d *Dialect) object(body []byte) (Object, error) {
	o, err := ParseObject(body)
	fromForm := false
	if err != nil && d.Form {
		if form, ok := formObject(body); ok {
			o, err, fromForm = form, nil, true
		}
	}
	if err != nil {
		return o, err
	}
	for _, standard := range slices.Sorted(maps.Keys(d.Members)) {
		if !o.Has(standard) {
			o = o.renamed(d.Members[standard], standard)
		}
	}
	if fromForm {
		for _, name := range numbers {
			if text, _ := o.String(name); isNumber(text) {
				o = o.with(name, json.RawMessage(text))
			}
		}
	}
	said, ok := o.String("error")
	for standard, own := range d.Errors {
		if ok && said == own {
			quoted, _ := json.Marshal(standard) // a string always marshals
			o = o.with("error", quoted)
		}
	}
	return o, nil
}

// formObject reads a form as an object. Text of any kind would pass for a form,
// so it has to have one of the members that answers have.
func formObject(body []byte) (Object, bool) {
	var o Object
	values, err := url.ParseQuery(string(bytes.TrimSpace(body)))
	if err != nil || len(values) > maxMembers || !values.Has("device_code") && !values.Has("access_token") && !values.Has("error") {
		return o, false
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			text, _ := json.Marshal(value) // a string always marshals
			o.Members = append(o.Members, Member{name, text})
		}
	}
	return o, true
}

// isNumber says that a text is a whole number as JSON writes it.
func isNumber(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && strconv.Itoa(n) == text
}

// renamed returns the object with another name for a member.
func (o Object) renamed(from, to string) Object {
	o.Members = slices.Clone(o.Members)
	for i := range o.Members {
		if o.Members[i].Name == from {
			o.Members[i].Name = to
		}
	}
	return o
}

// with returns the object with another value for a member.
func (o Object) with(name string, value json.RawMessage) Object {
	o.Members = slices.Clone(o.Members)
	for i := range o.Members {
		if o.Members[i].Name == name {
			o.Members[i].Value = value
		}
	}
	return o
}
