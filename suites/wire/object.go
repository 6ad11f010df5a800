package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Object is a JSON object exactly as received: members in order, names in exact
// case, duplicates kept. Decoding into a struct with encoding/json would ignore
// case and let the last duplicate win, which hides faults.
type Object struct {
	Members []Member
	// BOM says that a byte order mark preceded the object.
	BOM bool
}

// Member is one name with its undecoded value.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Kind is the JSON type of a member's value.
type Kind string

// The JSON types, and Absent for a member that is not there.
const (
	Absent   Kind = "absent"
	String   Kind = "string"
	Number   Kind = "number"
	Bool     Kind = "boolean"
	Null     Kind = "null"
	Array    Kind = "array"
	AnObject Kind = "object"
)

// ErrNotObject is wrapped by ParseObject if the body is JSON but not an object.
var ErrNotObject = errors.New("the JSON value is not an object")

var byteOrderMark = []byte("\xef\xbb\xbf")

// maxMembers bounds what a hostile body can make us keep.
const maxMembers = 1000

// ParseObject reads one JSON object that fills the whole body. White space
// around it is allowed; anything else after it, invalid UTF-8 and any other
// JSON value are errors. Duplicate names are not: see [Object.Duplicates].
func ParseObject(body []byte) (Object, error) {
	var o Object
	rest := bytes.TrimPrefix(body, byteOrderMark)
	o.BOM = len(rest) != len(body)
	if len(bytes.TrimSpace(rest)) == 0 {
		return o, errors.New("the body is empty")
	}
	if !utf8.Valid(rest) {
		return o, errors.New("the body is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(rest))
	dec.UseNumber()
	open, err := dec.Token()
	if err != nil {
		return o, fmt.Errorf("the body is not JSON: %w", err)
	}
	if open != json.Delim('{') {
		return o, ErrNotObject
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return o, fmt.Errorf("the body is not JSON: %w", err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return o, fmt.Errorf("the body is not JSON: %w", err)
		}
		if len(o.Members) == maxMembers {
			return o, fmt.Errorf("the object has more than %d members", maxMembers)
		}
		o.Members = append(o.Members, Member{name.(string), value})
	}
	if _, err := dec.Token(); err != nil {
		return o, fmt.Errorf("the body is not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return o, errors.New("there is data after the JSON object")
	}
	return o, nil
}

// Has reports whether there is a member with that exact name.
func (o Object) Has(name string) bool { return o.Kind(name) != Absent }

// Raw returns the first member's undecoded value, or nil.
func (o Object) Raw(name string) json.RawMessage {
	for _, m := range o.Members {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// Kind returns the JSON type of the first member of that name.
func (o Object) Kind(name string) Kind {
	raw := o.Raw(name)
	if len(raw) == 0 {
		return Absent
	}
	switch raw[0] {
	case '"':
		return String
	case '{':
		return AnObject
	case '[':
		return Array
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	}
	return Number
}

// String returns a string member; ok is false if it is missing or of another
// type.
func (o Object) String(name string) (s string, ok bool) {
	if o.Kind(name) != String {
		return "", false
	}
	return s, json.Unmarshal(o.Raw(name), &s) == nil
}

// Number returns a number member; ok is false if it is missing, of another
// type, or too large for a float64.
func (o Object) Number(name string) (f float64, ok bool) {
	if o.Kind(name) != Number {
		return 0, false
	}
	return f, json.Unmarshal(o.Raw(name), &f) == nil
}

// Strings returns a member that is an array of strings.
func (o Object) Strings(name string) (list []string, ok bool) {
	if o.Kind(name) != Array {
		return nil, false
	}
	return list, json.Unmarshal(o.Raw(name), &list) == nil
}

// Duplicates returns the names that occur more than once.
func (o Object) Duplicates() []string {
	seen := make(map[string]int, len(o.Members))
	var names []string
	for _, m := range o.Members {
		seen[m.Name]++
		if seen[m.Name] == 2 {
			names = append(names, m.Name)
		}
	}
	return names
}
