// Package figures writes numbers, rates and ages as people read them: on the command line, in the browser, in reports.
package figures

import (
	"fmt"
	"strings"
	"time"
)

// Age is a duration as people say it: 0.2s, 12s, 5m12s, 3h10m, 9d.
func Age(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd", int(d.Hours())/24)
	}
}

// Since is the age of a time; "-" for none.
func Since(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return Age(time.Since(*t))
}

// Seconds is a duration out of the plain number that JSON has.
func Seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// SI is a number with an SI prefix: 1.2k, 96M.
func SI(n uint64) string {
	units := []string{"", "k", "M", "G", "T"}
	f, i := float64(n), 0
	for f >= 999.5 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	if i == 0 || f >= 100 {
		return fmt.Sprintf("%.0f%s", f, units[i])
	}
	return fmt.Sprintf("%.1f%s", f, units[i])
}

// Bits is a rate in bits per second out of bytes per second; "-" for none.
func Bits(bytes uint64) string {
	if bytes == 0 {
		return "-"
	}
	s := SI(bytes * 8)
	unit := strings.TrimLeft(s, "0123456789.")
	return strings.TrimSuffix(s, unit) + " " + unit + "b/s"
}

// Count is so many of something: 1 router, 3 routers.
func Count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
