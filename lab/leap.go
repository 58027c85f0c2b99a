package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// leapEnv tells an agent which was built with the tag "lab" where its clock of leases is told to leap; see agent/clock_lab_linux.go.
const leapEnv = "POLSO_LAB_CLOCK"

// ErrNoLeap means that the router's binary takes its clock from the kernel alone.
var ErrNoLeap = errors.New("its clock of leases cannot leap: the binary is not the laboratory's (go build -tags lab)")

func (r *Router) leapPath() string { return filepath.Join(r.dir, "leap") }

// readyLeaps makes the file, which stays for as long as the router: a clock never goes back.
func (r *Router) readyLeaps() error {
	file, err := os.OpenFile(r.leapPath(), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(file.Truncate(16), file.Close())
}

// Leap sets the clock that the router's leases and promises follow forward, at once, and nothing else: no timer, no other
// router's clock. So a machine that was suspended finds itself. It is there for good, also for the processes that follow.
func (r *Router) Leap(by time.Duration) error {
	file, err := os.OpenFile(r.leapPath(), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%s: leap: %w", r.Name, err)
	}
	defer file.Close()
	var b [16]byte
	if _, err := file.ReadAt(b[:], 0); err != nil {
		return fmt.Errorf("%s: leap: %w", r.Name, err)
	}
	if binary.NativeEndian.Uint64(b[8:]) != 1 {
		return fmt.Errorf("%s: %w", r.Name, ErrNoLeap)
	}
	at := binary.NativeEndian.Uint64(b[:]) + uint64(by)
	if _, err := file.WriteAt(binary.NativeEndian.AppendUint64(nil, at), 0); err != nil {
		return fmt.Errorf("%s: leap: %w", r.Name, err)
	}
	return nil
}
