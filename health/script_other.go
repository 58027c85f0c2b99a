//go:build !linux

package health

import "errors"

// waitWithoutReaping is for Linux alone, as is the rest of a router.
func waitWithoutReaping(int) error { return errors.New("script checks need Linux") }
