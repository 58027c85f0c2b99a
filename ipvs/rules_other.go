//go:build !linux

package ipvs

// KernelRules are the rules of a Linux kernel. There are none here.
type KernelRules struct{}

// Rules returns ErrNoIPVS.
func (*KernelRules) Rules() (Rules, error) { return Rules{}, ErrNoIPVS }

// SetRules returns ErrNoIPVS.
func (*KernelRules) SetRules(Rules) error { return ErrNoIPVS }
