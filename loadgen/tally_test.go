package loadgen

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// TestTalliesAddUp: two shards together are what one would have counted, bucket
// for bucket.
func TestTalliesAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	whole := newTally()
	parts := []*tally{newTally(), newTally(), newTally()}
	for range 20_000 {
		part := parts[random.IntN(len(parts))]
		k, o, ns := kind(random.IntN(int(kinds))), outcome(random.IntN(int(outcomes))), int64(random.ExpFloat64()*5e6)
		d := device{polls: 2, sumLatency: uint32(random.IntN(1000))}
		p := pace(random.IntN(3))
		for _, into := range []*tally{whole, part} {
			into.Counts[k][o]++
			into.Measured[k][o]++
			observe(into.histogram(k, o), ns)
			observe(into.Lateness, ns/10)
			into.paced(&d, p, o == outcomeSlowDown)
			into.gone(&d)
			into.LongestWait = max(into.LongestWait, ns)
			into.Devices.Issued++
		}
	}
	sum := newTally()
	for _, part := range parts {
		addUp(sum, part)
	}
	// Floating point adds up in another order.
	if diff := sum.Squares/whole.Squares - 1; diff > 1e-9 || diff < -1e-9 {
		t.Errorf("squares %g and %g", sum.Squares, whole.Squares)
	}
	sum.Means, sum.Squares = whole.Means, whole.Squares
	if !reflect.DeepEqual(sum.numbers, whole.numbers) {
		t.Errorf("%+v, want %+v", sum.numbers, whole.numbers)
	}
	for k := range kinds {
		for o := range outcomes {
			if !sum.Latency[k][o].Equals(whole.Latency[k][o]) {
				t.Errorf("the histogram of %s %s is another", k, o)
			}
		}
	}
	if !sum.Lateness.Equals(whole.Lateness) || !sum.Fairness.Equals(whole.Fairness) {
		t.Error("the histograms are others")
	}
}

// TestEveryFigureAddsUp: each field of a tally is in the sum, whatever it is, by
// the rule that it names. One without a rule panics in addUp.
func TestEveryFigureAddsUp(t *testing.T) {
	filled := func(n int64) *tally {
		one := newTally()
		fill(reflect.ValueOf(one).Elem(), n)
		return one
	}
	sum := filled(3)
	addUp(sum, filled(5))
	checkSum(t, "tally", reflect.ValueOf(sum).Elem(), "")
}

// fill puts n, or one value of n µs, into every field.
func fill(v reflect.Value, n int64) {
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case v.CanInt():
		v.SetInt(n)
	case v.CanFloat():
		v.SetFloat(float64(n))
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprint(n))
	case v.Type() == reflect.TypeFor[*hdrhistogram.Histogram]():
		h := newHistogram()
		observe(h, n*1000)
		v.Set(reflect.ValueOf(h))
	}
}

// checkSum expects 3 and 5 in every field as its rule has them.
func checkSum(t *testing.T, name string, v reflect.Value, rule string) {
	number := map[string]float64{"": 8, "max": 5, "-": 3}[rule]
	ok := true
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			checkSum(t, name+"."+f.Name, v.Field(i), f.Tag.Get("add"))
		}
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			checkSum(t, fmt.Sprintf("%s[%d]", name, i), v.Index(i), rule)
		}
	case v.CanInt():
		ok = float64(v.Int()) == number
	case v.CanFloat():
		ok = v.Float() == number
	case v.Kind() == reflect.String:
		ok = v.String() == "3"
	case v.Type() == reflect.TypeFor[*hdrhistogram.Histogram]():
		h := v.Interface().(*hdrhistogram.Histogram)
		ok = h.TotalCount() == 2 && h.Min() == 3 && h.Max() == 5
	default:
		ok = rule == "-"
	}
	if !ok {
		t.Errorf("%s is %v after 3 and 5", name, v)
	}
}
