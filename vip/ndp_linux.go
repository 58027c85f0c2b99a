package vip

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
)

// announceNDP sends an unsolicited neighbour advertisement to all nodes (RFC 4861 section 7.2.6). Its socket is bound to
// the address itself, so the kernel refuses once that is gone.
func announceNDP(ifi *net.Interface, addr netip.Addr, still func() bool) error {
	conn, _, err := ndp.Listen(ifi, ndp.Addr(addr.String()))
	if err != nil {
		return fmt.Errorf("ndp: %w", err)
	}
	defer conn.Close()
	// Nothing is read: nothing shall be queued.
	var none ipv6.ICMPFilter
	none.SetAll(true)
	if err := conn.SetICMPFilter(&none); err != nil {
		return fmt.Errorf("ndp: %w", err)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return fmt.Errorf("ndp: %w", err)
	}
	na := advertisement(ifi, addr)
	if !still() {
		return ErrExpired
	}
	if err := conn.WriteTo(na, nil, netip.IPv6LinkLocalAllNodes()); err != nil {
		return fmt.Errorf("ndp: %w", err)
	}
	return nil
}

func advertisement(ifi *net.Interface, addr netip.Addr) *ndp.NeighborAdvertisement {
	return &ndp.NeighborAdvertisement{
		Router: forwards(ifi.Name), Override: true, TargetAddress: addr,
		Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: ifi.HardwareAddr}},
	}
}

// forwards says whether the link routes IPv6. An advertisement without the router flag from one that does would have
// hosts take it off their list of routers.
func forwards(link string) bool {
	b, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + link + "/forwarding")
	return err == nil && strings.TrimSpace(string(b)) != "0"
}
