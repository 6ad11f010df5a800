package report

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/devicegrant/devicegrant/profiles/redact"
	"github.com/devicegrant/devicegrant/suites/transcript"
	"github.com/devicegrant/devicegrant/suites/wire"
)

// Learn teaches a redactor the secrets of a transcript. Learn from all
// transcripts before you redact any: a token of one conversation may occur in
// another.
func Learn(r *redact.Redactor, t transcript.Transcript) {
	for _, x := range t.Exchanges {
		r.LearnURL(x.URL)
		r.Learn(x.Request.Header, x.Request.Body)
		r.LearnOurs(x.Request.Body)
		if x.Response != nil {
			r.Learn(x.Response.Header, x.Response.Body)
		}
	}
}

// RedactTranscript returns a redacted copy.
func RedactTranscript(r *redact.Redactor, t transcript.Transcript) transcript.Transcript {
	if r.Off() {
		return t
	}
	return redacted(r, reflect.ValueOf(t)).Interface().(transcript.Transcript)
}

// RedactCheck returns a redacted copy.
func RedactCheck(r *redact.Redactor, c Check) Check {
	c.Reason = r.Text(c.Reason)
	c.Findings = slices.Clone(c.Findings)
	for i := range c.Findings {
		f := &c.Findings[i]
		f.Expected, f.Observed = r.Text(f.Expected), r.Text(f.Observed)
	}
	return c
}

// ours are fields that the suite words itself and finds things by. Everything
// else may hold what a target sent.
var ours = []string{"Label", "Scenario", "Name", "Series", "Method", "Page", "Driver", "Needle", "Watched", "Proto"}

// redacted returns a redacted copy. It goes over the whole value, so that a field
// that is added later is not forgotten.
func redacted(r *redact.Redactor, v reflect.Value) reflect.Value {
	switch known := v.Interface().(type) {
	case http.Header:
		return reflect.ValueOf(r.Header(known))
	case wire.Bytes:
		return reflect.ValueOf(wire.Bytes(r.Body(known)))
	case string:
		return reflect.ValueOf(r.Content(known))
	}
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			// What is not written is left alone, but for the page of a trouble.
			unwritten := f.Tag.Get("json") == "-" && f.Type.Kind() != reflect.String
			if f.IsExported() && !unwritten && (!slices.Contains(ours, f.Name) || v.Type() == reflect.TypeFor[transcript.Cookie]()) {
				out.Field(i).Set(redacted(r, v.Field(i)))
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(redacted(r, v.Index(i)))
		}
	case reflect.Map:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for entry := v.MapRange(); entry.Next(); {
			out.SetMapIndex(entry.Key(), redacted(r, entry.Value()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(redacted(r, v.Elem()))
		}
	}
	return out
}
