package store

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

// guarded runs f, which opens something, in a goroutine of its own, so that neither a panic nor a read fault of a mapped
// file ends the process and a hanging disk does not hang the caller. What f opens after the limit is closed again.
func guarded[T any](limit time.Duration, f func() (T, error), closeLate func(T) error) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result)
	late := make(chan struct{})
	go func() {
		var r result
		func() {
			defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
			defer func() {
				if p := recover(); p != nil {
					r.err = fmt.Errorf("%w: %v", ErrCorrupt, p)
				}
			}()
			r.value, r.err = f()
		}()
		select {
		case done <- r:
		case <-late:
			if r.err == nil {
				_ = closeLate(r.value) // nobody is left to hear of an error
			}
		}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
		close(late)
		var none T
		return none, fmt.Errorf("takes longer than %v; is the disk stuck? `dmesg` may tell", limit)
	}
}

// lockFile takes the exclusive lock that bbolt takes too, until f is closed.
func lockFile(f *os.File, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("lock: %w", err)
		case !time.Now().Before(deadline):
			return fmt.Errorf("%w; is a polso agent running already?", ErrLocked)
		}
		<-time.After(20 * time.Millisecond)
	}
}
