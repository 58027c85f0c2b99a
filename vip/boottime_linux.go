package vip

import "golang.org/x/sys/unix"

// Boottime is the Clock of this node: CLOCK_BOOTTIME, which counts suspend. See clock_gettime(2).
func Boottime() Instant {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic("vip: CLOCK_BOOTTIME: " + err.Error()) // every kernel since 2.6.39 has it
	}
	return Instant(t.Nano())
}
