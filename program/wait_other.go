//go:build !linux

package program

import "errors"

// waitWithoutReaping is for Linux alone, as is the rest of a router.
func waitWithoutReaping(int) error { return errors.New("programs are run on Linux alone") }
