package detour_test

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"polso/detour"
	"polso/tools/apart"
)

// router is a namespace with a link to a bridge in another, where servers are namespaces too.
type router struct {
	t       *testing.T
	servers map[string]netns.NsHandle
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func own(t *testing.T, link string, addrs ...string) {
	t.Helper()
	l, err := netlink.LinkByName(link)
	check(t, err)
	for _, a := range addrs {
		parsed, err := netlink.ParseAddr(a)
		check(t, err)
		if parsed.IP.To4() == nil {
			parsed.Flags = 2 // IFA_F_NODAD
			if strings.HasSuffix(a, "/128") {
				parsed.ValidLft = 3600 // and deprecated, as those that Polso holds
			}
		}
		check(t, netlink.AddrAdd(l, parsed))
	}
	check(t, netlink.LinkSetUp(l))
}

func sysctl(t *testing.T, name, value string) {
	t.Helper()
	check(t, os.WriteFile("/proc/sys/"+name, []byte(value), 0o644))
}

// newRouter has the virtual addresses on its link if holds, as the director does, and servers a and b, which have them on lo.
func newRouter(t *testing.T, holds bool) *router {
	r := &router{t, make(map[string]netns.NsHandle)}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
	check(t, netlink.LinkAdd(bridge))
	own(t, "lo")
	own(t, "br0", "10.9.0.1/24", "fd09::1/64")
	if holds {
		own(t, "br0", "10.9.0.50/32", "fd09::50/128")
	}
	sysctl(t, "net/ipv4/conf/all/rp_filter", "1")
	sysctl(t, "net/ipv4/conf/br0/rp_filter", "1")
	balance(t)
	for name, host := range map[string]string{"a": "3", "b": "4"} {
		ns := apart.Namespace(t)
		r.servers[name] = ns
		pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "v" + name, MasterIndex: bridge.Index}, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns)}
		check(t, netlink.LinkAdd(pair))
		check(t, netlink.LinkSetUp(pair))
		apart.In(t, ns, func() {
			sysctl(t, "net/ipv4/conf/all/arp_ignore", "1")
			sysctl(t, "net/ipv4/conf/all/arp_announce", "2")
			own(t, "lo", "10.9.0.50/32", "fd09::50/128")
			own(t, "eth0", "10.9.0."+host+"/24", "fd09::"+host+"/64")
			l, err := net.Listen("tcp", ":80")
			check(t, err)
			t.Cleanup(func() { l.Close() })
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					c.Write([]byte(name + " at " + c.LocalAddr().String() + " sees " + c.RemoteAddr().(*net.TCPAddr).IP.String()))
					c.Close()
				}
			}()
			u, err := net.ListenPacket("udp", ":53")
			check(t, err)
			t.Cleanup(func() { u.Close() })
		})
	}
	return r
}

// balance has IPVS balance the virtual addresses over both servers, on a kernel that has it: a detour is to pass it by.
func balance(t *testing.T) {
	t.Helper()
	for _, rule := range []string{
		"-A -t 10.9.0.50:80 -s rr", "-a -t 10.9.0.50:80 -r 10.9.0.3:80 -g", "-a -t 10.9.0.50:80 -r 10.9.0.4:80 -g",
		"-A -t [fd09::50]:80 -s rr", "-a -t [fd09::50]:80 -r [fd09::3]:80 -g", "-a -t [fd09::50]:80 -r [fd09::4]:80 -g",
	} {
		if out, err := exec.Command("ipvsadm", strings.Fields(rule)...).CombinedOutput(); err != nil {
			t.Logf("without IPVS: %v: %s", err, out)
			return
		}
	}
}

func asked(at netip.Addr) string {
	c, err := net.DialTimeout("tcp", netip.AddrPortFrom(at, 80).String(), 500*time.Millisecond)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(500 * time.Millisecond))
	b := make([]byte, 100)
	n, _ := c.Read(b)
	return string(b[:n])
}

func TestKernelAnswers(t *testing.T) {
	for name, holds := range map[string]bool{"director": true, "standby": false} {
		t.Run(name, func(t *testing.T) { apart.Run(t, func(t *testing.T) { answers(t, holds) }) })
	}
}

func answers(t *testing.T, holds bool) {
	r := newRouter(t, holds)
	ways := []detour.Way{
		way("10.9.0.50", "10.9.0.3", detour.Direct), way("10.9.0.50", "10.9.0.4", detour.Direct),
		way("fd09::50", "fd09::3", detour.Direct), way("fd09::50", "fd09::4", detour.Direct),
	}
	kernel := new(detour.Kernel)
	suite(t, kernel, ways[1:3])
	k := detour.New(kernel)
	follow(t, k, ways...)
	for i, want := range []string{"a at 10.9.0.50:80 sees 10.9.0.1", "b at 10.9.0.50:80 sees 10.9.0.1", "a at [fd09::50]:80 sees fd09::1", "b at [fd09::50]:80 sees fd09::1"} {
		at, err := k.StandIn(ways[i])
		check(t, err)
		for range 3 {
			if got := asked(at); got != want {
				t.Errorf("%s: %q, want %q", ways[i], got, want)
			}
		}
	}
	apart.In(t, r.servers["b"], func() {
		lo, err := netlink.LinkByName("lo")
		check(t, err)
		gone, _ := netlink.ParseAddr("10.9.0.50/32")
		check(t, netlink.AddrDel(lo, gone))
	})
	at, _ := k.StandIn(ways[1])
	if got := asked(at); !strings.Contains(got, "timeout") {
		t.Errorf("b without the address: %q", got)
	}
	if got := asked(addr("10.9.0.4")); !strings.HasPrefix(got, "b at 10.9.0.4") {
		t.Errorf("b's own address: %q", got)
	}
	lost := way("10.9.0.50", "203.0.113.1", detour.Direct)
	k.Set(append(ways, lost))
	if at, err := k.StandIn(lost); err == nil || k.Failed()[lost] == nil || len(k.Failed()) != 1 {
		t.Log(at)
		t.Error("a server that no route leads to has a detour")
	}
	if got := asked(addr("198.18.7.7")); !strings.Contains(got, "no route") {
		t.Errorf("a stand-in without a route: %q", got)
	}
	// What another sends to a stand-in goes nowhere.
	sysctl(t, "net/ipv4/ip_forward", "1")
	first, _ := k.StandIn(ways[0])
	apart.In(t, r.servers["b"], func() {
		check(t, netlink.RouteAdd(&netlink.Route{Dst: netlink.NewIPNet(first.AsSlice()), Gw: net.IP{10, 9, 0, 1}}))
		if got := asked(first); !strings.Contains(got, "timeout") {
			t.Errorf("a stranger at a stand-in: %q", got)
		}
	})
	check(t, detour.Raze(kernel))
}

// TestKernelLeftover: a killed agent's are taken away by the next.
func TestKernelLeftover(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		newRouter(t, true)
		follow(t, detour.New(new(detour.Kernel)), way("10.9.0.50", "10.9.0.3", detour.Direct))
		next := new(detour.Kernel)
		s, err := next.State()
		if err != nil || !s.Left || len(s.Routes) != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		check(t, detour.Raze(next))
		if s, err = next.State(); err != nil || s.Left || len(s.Routes) > 0 {
			t.Fatalf("%+v, %v", s, err)
		}
	})
}

// TestKernelTunnels: by IP in IP, of both families.
func TestKernelTunnels(t *testing.T) {
	for name, holds := range map[string]bool{"director": true, "standby": false} {
		t.Run(name, func(t *testing.T) { apart.Run(t, func(t *testing.T) { tunnels(t, holds) }) })
	}
}

func tunnels(t *testing.T, holds bool) {
	if err := netlink.LinkAdd(&netlink.Iptun{LinkAttrs: netlink.LinkAttrs{Name: "try"}, FlowBased: true}); err != nil {
		apart.Lacking(t, "ipip: "+err.Error())
	}
	try, err := netlink.LinkByName("try")
	check(t, err)
	check(t, netlink.LinkDel(try))
	r := newRouter(t, holds)
	for _, ns := range r.servers {
		apart.In(t, ns, func() {
			sysctl(t, "net/ipv4/conf/all/rp_filter", "0")
			for _, name := range []string{"tunl0", "ip6tnl0"} {
				own(t, name)
			}
			sysctl(t, "net/ipv4/conf/tunl0/rp_filter", "0")
		})
	}
	kernel := new(detour.Kernel)
	ways := []detour.Way{
		way("10.9.0.50", "10.9.0.3", detour.IPIP), way("10.9.0.50", "10.9.0.4", detour.IPIP),
		way("fd09::50", "fd09::3", detour.IPIP), way("fd09::50", "fd09::4", detour.IPIP),
	}
	suite(t, kernel, ways[1:3])
	k := detour.New(kernel)
	follow(t, k, ways...)
	for _, strict := range []string{"1", "2", "0"} {
		sysctl(t, "net/ipv4/conf/all/rp_filter", strict)
		sysctl(t, "net/ipv4/conf/br0/rp_filter", strict)
		for i, want := range []string{"a at 10.9.0.50:80 sees 10.9.0.1", "b at 10.9.0.50:80 sees 10.9.0.1", "a at [fd09::50]:80 sees fd09::1", "b at [fd09::50]:80 sees fd09::1"} {
			at, err := k.StandIn(ways[i])
			check(t, err)
			got := asked(at)
			if strict == "1" && at.Is4() {
				if !strings.Contains(got, "timeout") {
					t.Errorf("rp_filter 1: %s: %q: then the refusal is not needed", ways[i], got)
				}
				continue
			}
			if got != want {
				t.Errorf("rp_filter %s: %s: %q, want %q", strict, ways[i], got, want)
			}
		}
	}
	check(t, detour.Raze(kernel))
}
