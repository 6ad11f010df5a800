package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// nothing stands where a figure was not measured.
const nothing = "–"

// finite says that a figure can be shown.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// count groups the digits of any integer: 100,000.
func count(n any) string {
	digits, sign := fmt.Sprint(n), ""
	if strings.HasPrefix(digits, "-") {
		digits, sign = digits[1:], "-"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// millis is a duration in the unit that suits it, with three digits.
func millis(ms float64) string {
	if !finite(ms) {
		return nothing
	}
	switch a := math.Abs(ms); {
	case a == 0:
		return "0 ms"
	case a < 9.995:
		return strconv.FormatFloat(ms, 'f', 2, 64) + " ms"
	case a < 99.95:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case a < 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	case a < 9995:
		return strconv.FormatFloat(ms/1e3, 'f', 2, 64) + " s"
	case a < 99950:
		return strconv.FormatFloat(ms/1e3, 'f', 1, 64) + " s"
	}
	return span(ms / 1e3)
}

// span is a duration of seconds to days, to the second.
func span(s float64) string {
	if !finite(s) || math.Abs(s) > 1e12 {
		return nothing
	}
	if math.Abs(s) < 10 {
		return strconv.FormatFloat(math.Round(s*10)/10, 'f', -1, 64) + " s"
	}
	n, sign := int64(math.Round(math.Abs(s))), ""
	if s < 0 {
		sign = "-"
	}
	var parts []string
	for _, unit := range []struct {
		name    string
		seconds int64
	}{{"h", 3600}, {"min", 60}, {"s", 1}} {
		if n >= unit.seconds {
			parts = append(parts, count(n/unit.seconds)+" "+unit.name)
			n %= unit.seconds
		}
	}
	return sign + strings.Join(parts, " ")
}

// rate is a figure per second, with three digits where it is small.
func rate(v float64) string {
	switch a := math.Abs(v); {
	case !finite(v):
		return nothing
	case a >= 100 && a < 1e15:
		return count(int64(math.Round(v)))
	case a == 0:
		return "0"
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// share is a part of 1 in percent. A share that is not nothing is never "0%",
// and one that is not everything never "100%".
func share(v float64) string {
	switch {
	case !finite(v):
		return nothing
	case v == 0 || v == 1:
		return fmt.Sprintf("%.0f%%", 100*v)
	case v > 0 && v < 0.0001:
		return "<0.01%"
	case v > 0.9999 && v < 1:
		return ">99.99%"
	case v < 0.1 || v > 0.999:
		return fmt.Sprintf("%.2f%%", 100*v)
	}
	return fmt.Sprintf("%.1f%%", 100*v)
}

// size is a number of bytes.
func size(n any) string {
	v, err := strconv.ParseFloat(fmt.Sprint(n), 64)
	if err != nil || !finite(v) {
		return nothing
	}
	unit := 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for ; math.Abs(v) >= 1024 && unit < len(units)-1; unit++ {
		v /= 1024
	}
	if unit == 0 {
		return fmt.Sprintf("%.0f B", v)
	}
	return fmt.Sprintf("%.1f %s", v, units[unit])
}

// plain is a figure without a unit.
func plain(v float64) string {
	if !finite(v) {
		return nothing
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
