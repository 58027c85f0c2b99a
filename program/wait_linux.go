package program

import (
	"errors"

	"golang.org/x/sys/unix"
)

// waitWithoutReaping waits until a child has ended and leaves it to be reaped.
func waitWithoutReaping(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
