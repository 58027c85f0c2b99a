package lab

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Wall is the wall clock of the whole laboratory, which can be set wrong and right again.
type Wall struct {
	right time.Time // when it was last right, on both clocks
}

// ErrOthersClock means that the wall clock is not the laboratory's alone: only in a virtual machine may it be set.
var ErrOthersClock = errors.New("this machine's clock is not the laboratory's")

// StepWall sets the wall clock forward, or back, for everybody in the laboratory. Restore it.
func StepWall(by time.Duration) (*Wall, error) {
	if os.Getenv("POLSO_LAB_VM") == "" {
		return nil, ErrOthersClock
	}
	w := &Wall{right: time.Now()}
	return w, set(w.right.Add(by))
}

// Restore sets the clock to what it would show had it never been touched.
func (w *Wall) Restore() error { return set(w.right.Add(time.Since(w.right))) }

func set(t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		return fmt.Errorf("set the wall clock: %w", err)
	}
	return nil
}
