package agent

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"polso/config"
	"polso/director"
	"polso/health"
	"polso/tools/apart"
	"polso/vip"
)

// TestNoProbeComesFromAVirtualAddress: a router whose kernel would take the virtual address that it holds, since that was there
// first and the route to the servers names no source, asks from its own with every kind of check.
func TestNoProbeComesFromAVirtualAddress(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		const virtual, own, port = "192.0.2.10", "192.0.2.2", 7007
		server := netip.MustParseAddr("10.9.9.9")
		peer := apart.Namespace(t)
		do := func(lines string) {
			t.Helper()
			if out, err := exec.Command("sh", "-ec", lines).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		do(fmt.Sprintf(`ip link set lo up
			ip link add v0 type veth peer name v1
			ip link set v1 netns /proc/%d/fd/%d
			ip address add %s/32 dev v0
			ip address add %s/24 dev v0
			ip link set v0 up
			ip route add %s/32 dev v0`, os.Getpid(), int(peer), virtual, own, server))
		from := make(chan netip.Addr, 100)
		apart.In(t, peer, func() {
			do(fmt.Sprintf("ip link set lo up; ip address add %s/32 dev v1; ip link set v1 up; ip route add 192.0.2.0/24 dev v1", server))
			hear(t, netip.AddrPortFrom(server, port), from)
		})
		if got := kernelsSource(server); got != netip.MustParseAddr(virtual) {
			t.Fatalf("the kernel takes %v: this test shows nothing", got)
		}
		status := &director.Status{
			Held:  []director.HeldStatus{{Held: vip.Held{Addr: netip.MustParseAddr(virtual), Link: "v0"}, Present: true}},
			Links: vip.Links{{Name: "v0", Own: []netip.Prefix{netip.MustParsePrefix(own + "/24")}}},
		}
		ask := health.ProbeFrom(func(target netip.Addr) netip.Addr { return source(status, target, kernelsSource) }, nil)
		for _, kind := range []config.CheckKind{config.CheckTCP, config.CheckTLS, config.CheckHTTP, config.CheckSend, config.CheckUDP, config.CheckDNS,
			config.CheckICMP, config.CheckSMTP, config.CheckGRPC, config.CheckAgent, config.CheckRedis, config.CheckMySQL, config.CheckPostgreSQL,
			config.CheckLDAP, config.CheckSIP, config.CheckFTP, config.CheckIMAP, config.CheckPOP3} {
			t.Run(string(kind), func(t *testing.T) {
				for len(from) > 0 {
					<-from
				}
				got := ask(t.Context(), health.Target{Addr: netip.AddrPortFrom(server, port), Check: config.Check{
					Kind: kind, Timeout: time.Second, Query: "example.org", Type: "A", Send: "x", Expect: "*"}})
				select {
				case addr := <-from:
					if addr != netip.MustParseAddr(own) {
						t.Errorf("asked from %s", addr)
					}
				case <-time.After(10 * time.Second):
					t.Errorf("the server heard nothing: %s", got.Reason)
				}
			})
		}
	})
}

// hear tells who speaks to at, by whatever protocol.
func hear(t *testing.T, at netip.AddrPort, from chan<- netip.Addr) {
	t.Helper()
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			from <- netip.MustParseAddrPort(c.RemoteAddr().String()).Addr()
			c.Close()
		}
	}()
	for network, addr := range map[string]string{"udp": at.String(), "ip4:icmp": at.Addr().String()} {
		p, err := net.ListenPacket(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		go func() {
			for b := make([]byte, 1500); ; {
				_, who, err := p.ReadFrom(b)
				if err != nil {
					return
				}
				host, _, err := net.SplitHostPort(who.String())
				if err != nil {
					host = who.String()
				}
				from <- netip.MustParseAddr(host)
			}
		}()
	}
}
