//go:build !linux

package agent

import (
	"errors"
	"io"
)

// alone has nothing to guard where there is no IPVS; only --dev runs there.
func alone() (io.Closer, error) { return nil, errors.New("polso routes on Linux only") }
