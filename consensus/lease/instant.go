// Package lease decides until when a raft leader may act alone, and which answers may leave a voter meanwhile.
//
// It is pure bookkeeping at the raft transport under one mutex, on a clock that is handed in: no goroutine, no I/O.
package lease

import "time"

// Instant is a moment on this node's boot clock (CLOCK_BOOTTIME): time since boot, comparable on this node only.
type Instant time.Duration

// Clock tells the present Instant.
type Clock func() Instant
