package health

import (
	"context"
	"net/netip"
	"syscall"
	"testing"
)

func TestSourceLeavesThePortToConnect(t *testing.T) {
	for _, at := range []netip.AddrPort{listen(t, "tcp4", "127.0.0.1:0"), listen(t, "tcp6", "[::1]:0")} {
		for _, network := range []string{"tcp", "udp"} {
			p := prober{source: func(netip.Addr) netip.Addr { return at.Addr() }}
			c, err := p.dial(context.Background(), network, at)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := c.Conn.(syscall.Conn).SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			late := 0
			if refused := raw.Control(func(fd uintptr) { late, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort) }); refused != nil || err != nil {
				t.Fatal(refused, err)
			}
			if late != 1 {
				t.Errorf("%s to %s: the port was bound at once", network, at)
			}
			_ = c.Close()
		}
	}
}
