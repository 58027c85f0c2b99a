//go:build !linux

package realserver

import "errors"

// Kernel is the Host on Linux; elsewhere it only says so.
type Kernel struct{}

var errNotLinux = errors.New("a real server is prepared on Linux only")

// Born implements Host.
func (Kernel) Born() (Birth, error) { return Birth{}, errNotLinux }

// Observe implements Host.
func (Kernel) Observe() (Machine, error) { return Machine{}, errNotLinux }

// Make implements Host.
func (Kernel) Make(Change) error { return errNotLinux }
