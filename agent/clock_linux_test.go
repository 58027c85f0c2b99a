package agent

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestClockLeaps: what the environment says moves the clock of leases in a build for the laboratory, and in no other. Both
// builds run it (make unit).
func TestClockLeaps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leap")
	write := func(by time.Duration) {
		if err := os.WriteFile(path, binary.NativeEndian.AppendUint64(nil, uint64(by)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 16); err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	t.Setenv("POLSO_LAB_CLOCK", path)
	offset := func() time.Duration {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
			t.Fatal(err)
		}
		return (sinceBoot() - time.Duration(ts.Nano())).Round(time.Minute)
	}
	if got := offset(); got != 0 {
		t.Errorf("%v ahead before anybody moved it", got)
	}
	write(time.Hour)
	if got := offset(); got != leapsTo(time.Hour) {
		t.Errorf("%v ahead, want %v", got, leapsTo(time.Hour))
	}
}
