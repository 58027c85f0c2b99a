//go:build !linux

package detour

import "errors"

// Kernel is the Edge to a Linux kernel. There is none here.
type Kernel struct{}

// State returns an error.
func (*Kernel) State() (State, error) { return State{}, errors.ErrUnsupported }

// Do returns errors.
func (*Kernel) Do(ops []Op) []error {
	errs := make([]error, len(ops))
	for i := range errs {
		errs[i] = errors.ErrUnsupported
	}
	return errs
}
