package config

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// seconds is a duration that JSON carries as an exact decimal number of seconds: 0.5, 900.
type seconds time.Duration

// MarshalJSON writes the shortest exact decimal, so that equal durations are equal bytes (a float64 would round).
func (s seconds) MarshalJSON() ([]byte, error) {
	var b []byte
	n := uint64(s)
	if s < 0 {
		b = append(b, '-')
		n = -n // two's complement: right for the smallest duration too
	}
	b = strconv.AppendUint(b, n/uint64(time.Second), 10)
	if rest := n % uint64(time.Second); rest != 0 {
		b = fmt.Appendf(b, ".%09d", rest)
		b = bytes.TrimRight(b, "0")
	}
	return b, nil
}

// UnmarshalJSON reads a decimal number of seconds with at most nine places and no exponent.
func (s *seconds) UnmarshalJSON(text []byte) error {
	whole, rest, dotted := strings.Cut(string(text), ".")
	bad := func() error {
		return fmt.Errorf("%s is not a number of seconds with at most nine decimal places", text)
	}
	if dotted && (rest == "" || len(rest) > 9) {
		return bad()
	}
	digits := strings.TrimPrefix(whole, "-")
	if digits == "" || strings.Trim(digits+rest, "0123456789") != "" {
		return bad()
	}
	// As one number of nanoseconds: ParseInt knows the range, both ends of it.
	n, err := strconv.ParseInt(whole+rest+strings.Repeat("0", 9-len(rest)), 10, 64)
	if err != nil {
		return bad()
	}
	*s = seconds(n)
	return nil
}
