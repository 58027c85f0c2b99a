//go:build !linux

package agent

import "time"

var started = time.Now()

// sinceBoot stands in where there is no CLOCK_BOOTTIME; only --dev runs there.
func sinceBoot() time.Duration { return time.Since(started) + time.Hour }
