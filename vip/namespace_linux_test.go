package vip_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"polso/tools/apart"
	"polso/vip"
	"polso/vip/viptest"
)

// inNamespace runs a test in a network namespace of its own, beside others.
func inNamespace(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if !apart.Inside(t) {
		t.Parallel()
	}
	apart.Run(t, test)
}

// world is two links, v0 and w0, whose other ends v1 and w1 are in another namespace.
type world struct {
	viptest.Bench
	kernel *vip.Kernel
	peer   netns.NsHandle
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	w.peer = apart.Namespace(t)
	w.own(t, "lo")
	for _, name := range []string{"v", "w"} {
		pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name + "0"}, PeerName: name + "1", PeerNamespace: netlink.NsFd(w.peer)}
		if err := netlink.LinkAdd(pair); err != nil {
			t.Fatal(err)
		}
	}
	w.own(t, "v0", "192.0.2.2/24", "2001:db8::2/64")
	w.own(t, "w0")
	w.atPeer(t, func() {
		w.own(t, "lo")
		w.own(t, "v1", "192.0.2.1/24", "2001:db8::1/64")
		w.own(t, "w1")
	})
	kernel, err := vip.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kernel.Close)
	w.kernel = kernel
	eventually(t, "the links are up", func() bool {
		links, err := kernel.Links()
		v, _ := links.Named("v0")
		o, _ := links.Named("w0")
		return err == nil && v.Up && o.Up
	})
	w.Bench = viptest.Bench{Edge: kernel, Clock: vip.Boottime, Link: "v0", Other: "w0", Put: put, Take: take,
		Claim: func(addr netip.Addr, mac net.HardwareAddr) (err error) {
			w.atPeer(t, func() { err = claim(addr, mac) })
			return err
		}}
	return w
}

// atPeer runs do on a thread in the other namespace.
func (w *world) atPeer(t *testing.T, do func()) {
	t.Helper()
	apart.In(t, w.peer, do)
}

// own brings a link of the namespace at hand up and gives it addresses.
func (w *world) own(t *testing.T, name string, addrs ...string) {
	t.Helper()
	link, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if err := put(netip.MustParsePrefix(a), name); err != nil {
			t.Fatal(err)
		}
	}
}

func put(addr netip.Prefix, name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.AddrAdd(link, address(addr))
}

func take(addr netip.Prefix, name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.AddrDel(link, address(addr))
}

func address(p netip.Prefix) *netlink.Addr {
	a := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	return a
}
