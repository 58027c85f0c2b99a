package figures

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0ms", 340 * time.Millisecond: "340ms", 1500 * time.Millisecond: "1.5s", 12 * time.Second: "12s",
		5*time.Minute + 7*time.Second: "5m07s", 3*time.Hour + 10*time.Minute: "3h10m", 50 * time.Hour: "2d",
	} {
		if got := Age(d); got != want {
			t.Errorf("Age(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestSI(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1200: "1.2k", 8400: "8.4k", 96_000_000: "96.0M", 123_456: "123k", 999_999: "1.0M"} {
		if got := SI(n); got != want {
			t.Errorf("SI(%d) = %s, want %s", n, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "-", 12_000_000: "96.0 Mb/s", 10: "80 b/s"} {
		if got := Bits(n); got != want {
			t.Errorf("Bits(%d) = %s, want %s", n, got, want)
		}
	}
}
