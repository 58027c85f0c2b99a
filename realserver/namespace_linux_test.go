package realserver_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"polso/realserver"
	"polso/tools/apart"
)

// world is a real server with one link, whose other end is a neighbour in another namespace.
type world struct {
	realserver.Server
	neighbour netns.NsHandle
}

const (
	vip4, vip6 = "192.0.2.10", "2001:db8::10"
	asFound    = "the machine as it was found"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Server: realserver.Server{Host: realserver.Kernel{}, Dir: t.TempDir()}}
	// Link-local addresses are there at once: nothing changes by itself while a test looks.
	atOnce := []string{"sysctl -w net.ipv6.conf.all.accept_dad=0", "sysctl -w net.ipv6.conf.default.accept_dad=0", "ip link set lo up"}
	run(t, atOnce...)
	w.neighbour = apart.Namespace(t)
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: "eth0", PeerNamespace: netlink.NsFd(w.neighbour)}
	if err := netlink.LinkAdd(pair); err != nil {
		t.Fatal(err)
	}
	run(t, "ip addr add 192.0.2.21/24 dev eth0", "ip addr add 2001:db8::21/64 dev eth0 nodad", "ip link set eth0 up", "ip route add default via 192.0.2.1")
	w.elsewhere(t, func() {
		run(t, append(atOnce, "ip addr add 192.0.2.1/24 dev eth0", "ip addr add 2001:db8::1/64 dev eth0 nodad", "ip link set eth0 up",
			"sysctl -w net.ipv4.neigh.eth0.retrans_time_ms=300", "sysctl -w net.ipv6.neigh.eth0.retrans_time_ms=300")...)
	})
	return w
}

// elsewhere runs do on a thread in the neighbour's namespace.
func (w *world) elsewhere(t *testing.T, do func()) {
	t.Helper()
	apart.In(t, w.neighbour, do)
}

// run runs command lines of ip and sysctl, as an operator would.
func run(t *testing.T, lines ...string) string {
	t.Helper()
	var all strings.Builder
	for _, line := range lines {
		words := strings.Fields(line)
		out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		all.Write(out)
	}
	return all.String()
}

// seen is everything that setup may touch, as ip and the kernel show it.
func seen(t *testing.T) string {
	t.Helper()
	text := run(t, "ip -details addr", "ip route show table all", "ip -6 route show table all")
	settings, err := filepath.Glob("/proc/sys/net/ipv4/conf/*/[ar][rp]*") // arp_..., rp_filter
	if err != nil || len(settings) < 8 {
		t.Fatal(settings, err)
	}
	for _, path := range settings {
		value, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text += path + " " + string(value)
	}
	if fou, err := exec.Command("ip", "fou", "show").CombinedOutput(); err == nil {
		text += string(fou)
	}
	// A link that was up once keeps its queue.
	return strings.ReplaceAll(text, "qdisc noop ", "qdisc noqueue ")
}

func want(t *testing.T, wishes ...realserver.Wish) realserver.Want {
	t.Helper()
	out := realserver.Want{Device: "lo"}
	for _, w := range wishes {
		w, err := w.Complete()
		if err != nil {
			t.Fatal(err)
		}
		out.Wishes = append(out.Wishes, w)
	}
	return out
}

func (w *world) setup(t *testing.T, want realserver.Want) []realserver.Change {
	t.Helper()
	done, err := w.Setup(want)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// bad are the names of what check finds wrong.
func (w *world) bad(t *testing.T, wishes []realserver.Wish) string {
	t.Helper()
	m, err := w.Host.Observe()
	if err != nil {
		t.Fatal(err)
	}
	var bad []string
	for _, f := range append(realserver.Check(wishes, m), realserver.Services(t.Context(), wishes, m)...) {
		if f.Level == realserver.Fail {
			bad = append(bad, f.Name)
		}
	}
	return strings.Join(bad, ", ")
}

// answered says whether the machine answers for an address when its neighbour asks.
func (w *world) answered(t *testing.T, addr string) (answered bool) {
	t.Helper()
	w.elsewhere(t, func() {
		flush := exec.Command("ip", "neigh", "flush", "dev", "eth0")
		if out, err := flush.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		// A datagram to nobody: the kernel asks for the neighbour, and keeps what it hears.
		ask(t, addr)
		for !answered {
			state := run(t, "ip neigh show "+addr+" dev eth0")
			if answered = strings.Contains(state, "lladdr"); strings.Contains(state, "FAILED") {
				return // the kernel has asked three times
			}
		}
	})
	return answered
}

func ask(t *testing.T, addr string) {
	t.Helper()
	a := netip.MustParseAddr(addr)
	family, to := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: 9, Addr: [4]byte(a.AsSlice()[:4])})
	if a.Is6() {
		family, to = unix.AF_INET6, &unix.SockaddrInet6{Port: 9, Addr: a.As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, []byte("x"), 0, to); err != nil {
		t.Fatal(err)
	}
}

// A neighbour that asks gets an answer while the address is merely on lo, and none after setup; IPv6 never answers.
func TestNeighbourHearsNothing(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		w := newWorld(t)
		run(t, "ip addr add "+vip4+"/32 dev lo", "ip addr add "+vip6+"/128 dev lo nodad")
		if !w.answered(t, vip4) {
			t.Error("an address on lo alone is not answered for: the test asks wrongly")
		}
		if w.answered(t, vip6) {
			t.Error("an IPv6 address on lo is answered for")
		}
		w.setup(t, want(t, realserver.Wish{Address: netip.MustParseAddr(vip4)}, realserver.Wish{Address: netip.MustParseAddr(vip6)}))
		if w.answered(t, vip4) {
			t.Error("after setup the machine answers for the address")
		}
		if !w.answered(t, "192.0.2.21") {
			t.Error("after setup the machine does not answer for its own address")
		}
	})
}

// Set up, checked, set up again, broken, put back.
func TestSetupCheckRemove(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		w := newWorld(t)
		before := seen(t)
		wanted := want(t, realserver.Wish{Address: netip.MustParseAddr(vip4)}, realserver.Wish{Address: netip.MustParseAddr(vip6)})
		foreseen, err := w.Foresee(wanted)
		if err != nil || seen(t) != before {
			t.Fatal("looking changed something", err)
		}
		done := w.setup(t, wanted)
		if got, want := commands(done), commands(foreseen); got != want {
			t.Errorf("done\n%s\nforeseen\n%s", got, want)
		}
		if bad := w.bad(t, wanted.Wishes); bad != "" {
			t.Errorf("after setup check finds %s", bad)
		}
		after := seen(t)
		if again := w.setup(t, wanted); len(again) > 0 || seen(t) != after {
			t.Errorf("a second setup does\n%s", commands(again))
		}
		for _, broken := range []struct{ by, found, mend string }{
			{"sysctl -w net.ipv4.conf.all.arp_ignore=0", "arp_ignore", "sysctl -w net.ipv4.conf.all.arp_ignore=1"},
			{"sysctl -w net.ipv4.conf.eth0.arp_ignore=3", "arp_ignore", "sysctl -w net.ipv4.conf.eth0.arp_ignore=0"},
			{"sysctl -w net.ipv4.conf.all.arp_announce=1", "arp_announce", "sysctl -w net.ipv4.conf.all.arp_announce=2"},
			{"ip addr del " + vip6 + "/128 dev lo", "address " + vip6, "ip addr add " + vip6 + "/128 dev lo nodad preferred_lft 0"},
			{"ip addr add " + vip4 + "/24 dev eth0", "address " + vip4, "ip addr del " + vip4 + "/24 dev eth0"},
		} {
			run(t, broken.by)
			if bad := w.bad(t, wanted.Wishes); bad != broken.found {
				t.Errorf("after %q check finds %q, want %q", broken.by, bad, broken.found)
			}
			run(t, broken.mend)
			if bad := w.bad(t, wanted.Wishes); bad != "" {
				t.Errorf("after %q check finds %q", broken.mend, bad)
			}
		}
		served := wanted.Wishes[:1]
		served[0].Services = []uint16{8080}
		if bad := w.bad(t, served); bad != "service "+vip4+":8080" {
			t.Errorf("without a service check finds %q", bad)
		}
		served[0].Services = nil

		if _, notes, err := w.Remove(nil); err != nil || len(notes) > 0 {
			t.Errorf("remove: %v, notes %q", err, notes)
		}
		differs(t, before, seen(t), asFound)
		if left, err := os.ReadDir(w.Dir); err != nil || len(left) > 0 {
			t.Errorf("the record is still there: %v %v", left, err)
		}
	})
}

// What setup prints, done by hand, is what setup does; and remove leaves what it did not put there.
func TestByHand(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		w := newWorld(t)
		run(t, "ip addr add 198.51.100.7/32 dev lo", "sysctl -w net.ipv4.conf.all.arp_announce=1")
		before := seen(t)
		wanted := want(t, realserver.Wish{Address: netip.MustParseAddr(vip4)}, realserver.Wish{Address: netip.MustParseAddr(vip6)})
		foreseen, err := w.Foresee(wanted)
		if err != nil {
			t.Fatal(err)
		}
		run(t, strings.Split(commands(foreseen), "\n")...)
		byHand := seen(t)
		if bad := w.bad(t, wanted.Wishes); bad != "" {
			t.Errorf("by hand, check finds %s", bad)
		}
		if done := w.setup(t, wanted); len(done) > 0 {
			t.Errorf("after it was done by hand setup does\n%s", commands(done))
		}
		back, _, err := w.Remove(nil) // of what carries no mark, nothing is its own
		if err != nil || commands(back) != "ip addr del "+vip4+"/32 dev lo" {
			t.Errorf("%v\n%s", err, commands(back))
		}
		run(t, "ip addr del "+vip6+"/128 dev lo", "sysctl -w net.ipv4.conf.all.arp_ignore=0", "sysctl -w net.ipv4.conf.all.arp_announce=1")
		differs(t, before, seen(t), asFound)
		w.setup(t, wanted)
		differs(t, byHand, seen(t), "what was done by hand")
		if _, _, err := w.Remove(nil); err != nil {
			t.Error(err)
		}
		differs(t, before, seen(t), asFound)
	})
}

// One of two addresses goes alone; a record of another namespace is nobody's.
func TestRemoveOne(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		w := newWorld(t)
		before := seen(t)
		w.setup(t, want(t, realserver.Wish{Address: netip.MustParseAddr(vip4)}))
		alone := seen(t)
		w.setup(t, want(t, realserver.Wish{Address: netip.MustParseAddr(vip6)}))
		if r, err := w.Record(); err != nil || len(r.Wishes) != 2 {
			t.Errorf("recorded %v, %v", r.Wishes, err)
		}
		if _, _, err := w.Remove([]netip.Addr{netip.MustParseAddr(vip6)}); err != nil {
			t.Error(err)
		}
		differs(t, alone, seen(t), "the machine with one address")
		w.elsewhere(t, func() {
			if r, err := w.Record(); err != nil || len(r.Wishes) > 0 {
				t.Errorf("another namespace has the record %v, %v", r.Wishes, err)
			}
		})
		if _, _, err := w.Remove([]netip.Addr{netip.MustParseAddr(vip4)}); err != nil {
			t.Error(err)
		}
		differs(t, before, seen(t), asFound)
	})
}

// Every tunnel: set up, used, checked, set up again, put back; and what is printed, by hand. The addresses are on a dummy here.
func TestTunnels(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		if exec.Command("modprobe", "-q", "-a", "ipip", "sit", "ip6_tunnel", "ip_gre", "ip6_gre", "fou", "fou6", "dummy").Run() != nil {
			apart.Lacking(t, "this kernel has not all kinds of tunnels")
		}
		w := newWorld(t)
		run(t, "sysctl -w net.ipv4.conf.all.rp_filter=1")
		service, err := net.Listen("tcp", ":8080")
		if err != nil {
			t.Fatal(err)
		}
		defer service.Close()
		before := seen(t)
		for _, addr := range []string{vip4, vip6} {
			for _, tunnel := range []realserver.Tunnel{realserver.IPIP, realserver.GUE, realserver.GRE} {
				for _, outer := range []realserver.Family{realserver.IPv4, realserver.IPv6} {
					wish := realserver.Wish{Address: netip.MustParseAddr(addr), Method: realserver.Tun, Tunnel: tunnel, Outer: outer}
					if tunnel == realserver.GUE {
						wish.TunnelPort = 6080
					}
					w.tunnel(t, wish, before)
				}
			}
		}
	})
}

// tunnel is the life of one tunnel on a machine that looks like before, and does again after it.
func (w *world) tunnel(t *testing.T, wish realserver.Wish, before string) {
	t.Helper()
	wanted := want(t, wish)
	wanted.Device = "vips"
	wish = wanted.Wishes[0]
	foreseen, err := w.Foresee(wanted)
	if err != nil {
		t.Fatal(wish, err)
	}
	if bad := w.bad(t, wanted.Wishes); !strings.HasPrefix(bad, "address") || !strings.Contains(bad, "tunnel") {
		t.Errorf("%s: before setup check finds %q", wish, bad)
	}
	if done := w.setup(t, wanted); commands(done) != commands(foreseen) {
		t.Errorf("%s: done\n%s\nforeseen\n%s", wish, commands(done), commands(foreseen))
	}
	if bad := w.bad(t, wanted.Wishes); bad != "" {
		t.Errorf("%s: after setup check finds %s", wish, bad)
	}
	w.send(t, wish)
	if again := w.setup(t, wanted); len(again) > 0 {
		t.Errorf("%s: a second setup does\n%s", wish, commands(again))
	}
	if _, notes, err := w.Remove(nil); err != nil || len(notes) > 0 {
		t.Errorf("%s: remove: %v, notes %q", wish, err, notes)
	}
	differs(t, before, seen(t), wish.String()+": "+asFound)

	run(t, strings.Split(commands(foreseen), "\n")...)
	if again := w.setup(t, wanted); len(again) > 0 {
		t.Errorf("%s: after it was done by hand setup does\n%s", wish, commands(again))
	}
	for _, c := range slices.Backward(foreseen) {
		if c.Before == "" && (c.Kind == realserver.State || c.Kind == realserver.Setting) {
			continue // it goes with its link
		}
		if err := w.Host.Make(realserver.Change{Thing: c.Thing, Before: c.After, After: c.Before}); err != nil {
			t.Fatal(wish, c, err)
		}
	}
	if _, _, err := w.Remove(nil); err != nil {
		t.Error(err)
	}
}

// send has the neighbour connect to the address through the tunnel, as a router would send a client's packets.
func (w *world) send(t *testing.T, wish realserver.Wish) {
	t.Helper()
	kind, ends, how := "ipip", "local 192.0.2.1 remote 192.0.2.21", ""
	if wish.Outer == realserver.IPv6 {
		ends = "local 2001:db8::1 remote 2001:db8::21"
	}
	switch {
	case wish.Tunnel == realserver.GRE && wish.Outer == realserver.IPv6:
		kind = "ip6gre"
	case wish.Tunnel == realserver.GRE:
		kind = "gre"
	case wish.Outer == realserver.IPv6 && wish.Address.Is6():
		kind, how = "ip6tnl", "mode ip6ip6"
	case wish.Outer == realserver.IPv6:
		kind, how = "ip6tnl", "mode ipip6"
	case wish.Address.Is6():
		kind = "sit"
	}
	if wish.Tunnel == realserver.GUE {
		how += " encap gue encap-sport auto encap-dport 6080"
	}
	route := "ip route replace " + wish.Address.String() + " dev rs src 192.0.2.1"
	if wish.Address.Is6() {
		route = "ip -6 route replace " + wish.Address.String() + " dev rs src 2001:db8::1"
	}
	w.elsewhere(t, func() {
		run(t, "ip link add rs type "+kind+" "+how+" "+ends, "ip link set rs up", route)
		defer run(t, "ip link del rs")
		c, err := net.DialTimeout("tcp", netip.AddrPortFrom(wish.Address, 8080).String(), 5*time.Second)
		if err != nil {
			t.Errorf("%s: nothing comes out of the tunnel: %v", wish, err)
			return
		}
		c.Close()
	})
}

func commands(changes []realserver.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.Command())
	}
	return strings.Join(out, "\n")
}

// differs fails the test with the lines that differ.
func differs(t *testing.T, want, got, what string) {
	t.Helper()
	if want == got {
		return
	}
	lines := func(text string) map[string]bool {
		m := map[string]bool{}
		for line := range strings.Lines(text) {
			m[line] = true
		}
		return m
	}
	a, b := lines(want), lines(got)
	var diff strings.Builder
	for line := range a {
		if !b[line] {
			fmt.Fprint(&diff, "- ", line)
		}
	}
	for line := range b {
		if !a[line] {
			fmt.Fprint(&diff, "+ ", line)
		}
	}
	t.Errorf("not %s:\n%s", what, diff.String())
}
