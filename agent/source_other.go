//go:build !linux

package agent

import "net/netip"

// kernelsSource leaves the choice to the kernel where no address is held; only --dev runs there.
func kernelsSource(netip.Addr) netip.Addr { return netip.Addr{} }
