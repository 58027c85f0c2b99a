package vip_test

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"polso/vip"
	"polso/vip/viptest"
)

// inside is the environment variable that tells a test that it runs in a network namespace of its own.
const inside = "POLSO_TEST_INSIDE"

// inNamespace runs a test in a process that has a network namespace of its own: goroutines wander between threads, so
// nothing less will do.
func inNamespace(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		test(t)
		return
	}
	if os.Geteuid() != 0 {
		if os.Getenv("POLSO_LAB") == "require" {
			t.Fatal("needs root, to make a network namespace")
		}
		t.Skip("needs root, to make a network namespace")
	}
	t.Parallel()
	parts := strings.Split(t.Name(), "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run="+strings.Join(parts, "/"), "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in its namespace: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if at := strings.Index(line, ".go:"); at >= 0 {
			t.Log(strings.TrimSpace(line))
		}
	}
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
	w.peer = newNamespace(t)
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

// newNamespace makes another namespace and comes back.
func newNamespace(t *testing.T) netns.NsHandle {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	there, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := netns.Set(here); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { there.Close() })
	return there
}

// atPeer runs do on a thread in the other namespace.
func (w *world) atPeer(t *testing.T, do func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	if err := netns.Set(w.peer); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := netns.Set(here); err != nil {
			panic(err) // the thread must not go on in the wrong namespace
		}
	}()
	do()
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
