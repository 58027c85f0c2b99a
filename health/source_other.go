//go:build !linux

package health

import "syscall"

// bindLate is for Linux alone.
func bindLate(_, _ string, _ syscall.RawConn) error { return nil }
