//go:build linux

package apart

import (
	"errors"
	"net"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
)

// Pair makes the link v0, whose other end is v1, both up, for a benchmark in a network namespace that nobody uses (unshare -n). It
// skips the benchmark in one that somebody does.
func Pair(b *testing.B) netlink.Link {
	b.Helper()
	links, err := netlink.LinkList()
	if err != nil || slices.ContainsFunc(links, func(l netlink.Link) bool { return l.Attrs().Flags&net.FlagUp != 0 }) {
		b.Skip("this namespace is in use")
	}
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "v0"}, PeerName: "v1"}
	if err := netlink.LinkAdd(link); err != nil {
		b.Skip(err)
	}
	peer, err := netlink.LinkByName("v1")
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(netlink.LinkSetUp(link), netlink.LinkSetUp(peer)); err != nil {
		b.Fatal(err)
	}
	return link
}
