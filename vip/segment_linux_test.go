package vip_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"polso/vip"
	"polso/vip/viptest"
)

// capture is a packet socket on the peer's link.
type capture struct {
	conn *packet.Conn
}

func (w *world) capture(t *testing.T, protocol int) *capture {
	t.Helper()
	var c capture
	w.atPeer(t, func() {
		ifi, err := net.InterfaceByName("v1")
		if err != nil {
			t.Fatal(err)
		}
		if c.conn, err = packet.Listen(ifi, packet.Raw, protocol, nil); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { c.conn.Close() })
	return &c
}

// lines describes the frames that arrive until there are n of them that describe says something about, or time is up.
func (c *capture) lines(t *testing.T, n int, within time.Duration, describe func(ethernet.Frame) string) []string {
	t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	var out []string
	b := make([]byte, 2048)
	for len(out) < n {
		m, _, err := c.conn.ReadFrom(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		var f ethernet.Frame
		if err := f.UnmarshalBinary(b[:m]); err != nil {
			t.Fatal(err)
		}
		if s := describe(f); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func describeARP(f ethernet.Frame) string {
	var p arp.Packet
	if f.EtherType != ethernet.EtherTypeARP || p.UnmarshalBinary(f.Payload) != nil || p.SenderIP != viptest.Four {
		return ""
	}
	return fmt.Sprintf("%v: %v %v is at %v, target %v at %v", f.Destination, p.Operation, p.SenderIP, p.SenderHardwareAddr, p.TargetIP, p.TargetHardwareAddr)
}

func describeNA(f ethernet.Frame) string {
	if len(f.Payload) < 48 || f.Payload[6] != 58 {
		return ""
	}
	m, err := ndp.ParseMessage(f.Payload[40:])
	na, ok := m.(*ndp.NeighborAdvertisement)
	if err != nil || !ok || na.TargetAddress != viptest.Six {
		return ""
	}
	src, _ := netip.AddrFromSlice(f.Payload[8:24])
	dst, _ := netip.AddrFromSlice(f.Payload[24:40])
	return fmt.Sprintf("%v: %v > %v hop limit %d router %v solicited %v override %v at %v", f.Destination, src, dst, f.Payload[7],
		na.Router, na.Solicited, na.Override, na.Options[0].(*ndp.LinkLayerAddress).Addr)
}

func mac(t *testing.T, name string) net.HardwareAddr {
	t.Helper()
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return ifi.HardwareAddr
}

// neighbour is what the peer's neighbour table says about addr.
func (w *world) neighbour(t *testing.T, addr netip.Addr) (out string) {
	t.Helper()
	w.atPeer(t, func() {
		link, err := netlink.LinkByName("v1")
		if err != nil {
			t.Fatal(err)
		}
		list, err := netlink.NeighList(link.Attrs().Index, netlink.FAMILY_ALL)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			if n.IP.Equal(addr.AsSlice()) {
				out = n.HardwareAddr.String()
			}
		}
	})
	return out
}

// teach has the peer believe that addr is at another router.
func (w *world) teach(t *testing.T, addr netip.Addr, at string) {
	t.Helper()
	hw, err := net.ParseMAC(at)
	if err != nil {
		t.Fatal(err)
	}
	w.atPeer(t, func() {
		link, err := netlink.LinkByName("v1")
		if err != nil {
			t.Fatal(err)
		}
		err = netlink.NeighSet(&netlink.Neigh{LinkIndex: link.Attrs().Index, State: unix.NUD_REACHABLE, IP: addr.AsSlice(), HardwareAddr: hw})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	end := time.NewTimer(15 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer end.Stop()
	defer tick.Stop()
	for !so() {
		select {
		case <-end.C:
			t.Fatalf("never came about: %s", what)
		case <-tick.C:
		}
	}
}

// keeper is one whose Run and Watch are under way.
func (w *world) keeper(t *testing.T) *vip.Keeper {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	k := vip.New(vip.Options{Edge: w.kernel, Clock: vip.Boottime, Margin: time.Second, Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- k.Run(ctx) }()
	watching := make(chan struct{}, 1)
	go func() {
		done <- k.Watch(ctx, func() {
			select {
			case watching <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
	})
	<-watching
	return k
}

func (w *world) hold(t *testing.T, k *vip.Keeper, addr netip.Addr) {
	t.Helper()
	h := vip.Held{Addr: addr, Link: "v0", Epoch: 1, Until: vip.Boottime() + vip.Instant(time.Minute)}
	eventually(t, "held", func() bool {
		err := k.Hold([]vip.Held{h})
		if err != nil && !errors.Is(err, vip.ErrNotRunning) {
			t.Fatal(err)
		}
		return err == nil
	})
}

func TestGratuitousARP(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		w := newWorld(t)
		w.teach(t, viptest.Four, "02:00:00:00:00:99")
		c := w.capture(t, unix.ETH_P_ARP)
		w.hold(t, w.keeper(t), viptest.Four)
		us := mac(t, "v0")
		request := fmt.Sprintf("ff:ff:ff:ff:ff:ff: OperationRequest 192.0.2.50 is at %v, target 192.0.2.50 at 00:00:00:00:00:00", us)
		reply := fmt.Sprintf("ff:ff:ff:ff:ff:ff: OperationReply 192.0.2.50 is at %v, target 192.0.2.50 at %v", us, us)
		got := c.lines(t, 6, 10*time.Second, describeARP)
		if want := []string{request, reply, request, reply, request, reply}; !slices.Equal(got, want) {
			t.Errorf("the peer heard\n%q, want\n%q", got, want)
		}
		if got := w.neighbour(t, viptest.Four); got != us.String() {
			t.Errorf("the peer's entry is %s, want %s", got, us)
		}
	})
}

func TestUnsolicitedAdvertisement(t *testing.T) {
	for _, tt := range []struct {
		name, forwarding string
		router           bool
	}{
		{"a host", "0", false},
		{"a router", "1", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inNamespace(t, func(t *testing.T) {
				w := newWorld(t)
				if err := os.WriteFile("/proc/sys/net/ipv6/conf/v0/forwarding", []byte(tt.forwarding), 0); err != nil {
					t.Fatal(err)
				}
				w.teach(t, viptest.Six, "02:00:00:00:00:99")
				c := w.capture(t, unix.ETH_P_IPV6)
				w.hold(t, w.keeper(t), viptest.Six)
				us := mac(t, "v0")
				want := fmt.Sprintf("33:33:00:00:00:01: 2001:db8::50 > ff02::1 hop limit 255 router %v solicited false override true at %v", tt.router, us)
				if got := c.lines(t, 3, 10*time.Second, describeNA); !slices.Equal(got, []string{want, want, want}) {
					t.Errorf("the peer heard\n%q, want three times\n%q", got, want)
				}
				if got := w.neighbour(t, viptest.Six); got != us.String() {
					t.Errorf("the peer's entry is %s, want %s", got, us)
				}
			})
		})
	}
}

func TestNoAnnouncementAfterDrop(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.keeper(t)
		w.hold(t, k, viptest.Four)
		if err := k.Drop(); err != nil {
			t.Fatal(err)
		}
		c := w.capture(t, unix.ETH_P_ARP)
		if got := c.lines(t, 1, 1500*time.Millisecond, describeARP); len(got) > 0 {
			t.Errorf("after Drop the peer heard %q", got)
		}
	})
}

func TestAnnouncedAgainWhenTheLinkComesBack(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.keeper(t)
		w.hold(t, k, viptest.Four)
		eventually(t, "announced", func() bool { return !k.Report()[0].Announced.IsZero() })
		link, err := netlink.LinkByName("v0")
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range []struct {
			name string
			do   func() error
		}{
			{"down and up", func() error {
				w.atPeer(t, func() {
					peer, _ := netlink.LinkByName("v1")
					if err := netlink.LinkSetDown(peer); err != nil {
						t.Error(err)
					}
				})
				eventually(t, "down", func() bool {
					links, _ := k.Links()
					l, _ := links.Named("v0")
					return !l.Up
				})
				w.atPeer(t, func() {
					peer, _ := netlink.LinkByName("v1")
					if err := netlink.LinkSetUp(peer); err != nil {
						t.Error(err)
					}
				})
				return nil
			}},
			{"another hardware address", func() error {
				return netlink.LinkSetHardwareAddr(link, net.HardwareAddr{2, 0, 0, 0, 0, 0x42})
			}},
		} {
			// The repeats are at most 2.6 s apart, and after them there is silence for a minute.
			eventually(t, "the schedule is over", func() bool { return time.Since(k.Report()[0].Announced) > 3*time.Second })
			before := k.Report()[0].Announced
			if err := change.do(); err != nil {
				t.Fatal(err)
			}
			eventually(t, change.name, func() bool { return k.Report()[0].Announced.After(before) })
		}
	})
}

func TestNeverASource(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.keeper(t)
		w.hold(t, k, viptest.Four)
		w.hold(t, k, viptest.Six)
		// As after a change of the router's own address, which puts it behind ours in the kernel's list.
		for _, own := range []string{"192.0.2.2/24", "2001:db8::2/64"} {
			p := netip.MustParsePrefix(own)
			if err := errors.Join(take(p, "v0"), put(p, "v0")); err != nil {
				t.Fatal(err)
			}
		}
		for _, via := range []string{"192.0.2.1", "2001:db8::1"} {
			gw := net.ParseIP(via)
			link, _ := netlink.LinkByName("v0")
			if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: gw}); err != nil {
				t.Fatal(err)
			}
		}
		for _, tt := range []struct{ name, to, want string }{
			{"on link, v4", "192.0.2.1:9", "192.0.2.2"},
			{"by the gateway, v4", "203.0.113.9:9", "192.0.2.2"},
			{"on link, v6", "[2001:db8::1]:9", "2001:db8::2"},
			{"by the gateway, v6", "[2001:db8:9::9]:9", "2001:db8::2"},
		} {
			conn, err := net.Dial("udp", tt.to)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if got := conn.LocalAddr().(*net.UDPAddr).IP.String(); got != tt.want {
				t.Errorf("%s: source %s, want %s", tt.name, got, tt.want)
			}
			conn.Close()
		}
	})
}

func TestProbe(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		w := newWorld(t)
		var peer net.HardwareAddr
		w.atPeer(t, func() { peer = mac(t, "v1") })
		for _, tt := range []struct {
			name, addr string
			want       net.HardwareAddr
		}{
			{"somebody's, v4", "192.0.2.1", peer},
			{"nobody's, v4", "192.0.2.77", nil},
			{"our own, v4", "192.0.2.2", nil},
			{"somebody's, v6", "2001:db8::1", peer},
			{"nobody's, v6", "2001:db8::77", nil},
			{"our own, v6", "2001:db8::2", nil},
		} {
			began := time.Now()
			got, found, err := vip.Probe(t.Context(), "v0", netip.MustParseAddr(tt.addr))
			if err != nil || found != (tt.want != nil) || got.String() != tt.want.String() {
				t.Errorf("%s: got %v %v %v, want %v", tt.name, got, found, err, tt.want)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("%s: took %v", tt.name, took)
			}
		}
		if _, _, err := vip.Probe(t.Context(), "v9", viptest.Four); err == nil {
			t.Error("probed a link that is not there")
		}
	})
}

// claim says on the peer's link that addr is at a hardware address.
func claim(addr netip.Addr, at net.HardwareAddr) error {
	ifi, err := net.InterfaceByName("v1")
	if err != nil {
		return err
	}
	if addr.Is6() {
		conn, _, err := ndp.Listen(ifi, ndp.LinkLocal)
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.WriteTo(&ndp.NeighborAdvertisement{
			Override: true, TargetAddress: addr, Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: at}},
		}, nil, netip.IPv6LinkLocalAllNodes())
	}
	p, err := arp.NewPacket(arp.OperationRequest, at, addr, make(net.HardwareAddr, 6), addr)
	if err != nil {
		return err
	}
	b, err := p.MarshalBinary()
	if err != nil {
		return err
	}
	conn, err := packet.Listen(ifi, packet.Raw, 0, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	f := ethernet.Frame{Destination: ethernet.Broadcast, Source: at, EtherType: ethernet.EtherTypeARP, Payload: b}
	frame, err := f.MarshalBinary()
	if err != nil {
		return err
	}
	_, err = conn.WriteTo(frame, &packet.Addr{HardwareAddr: ethernet.Broadcast})
	return err
}
