package lab

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// Echo answers datagrams on an address as a Server's echo does, whenever that address is on the node, until ctx ends. It is
// for kernels that cannot balance: the router that holds the address answers itself.
func (n *Node) Echo(ctx context.Context, at netip.AddrPort) error {
	free := net.ListenConfig{Control: freely}
	return n.Do(func() error {
		c, err := free.ListenPacket(ctx, "udp4", at.String())
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { c.Close() })
		go reflect(n.Name, c.(*net.UDPConn))
		return nil
	})
}

// freely lets a socket be bound to an address that is not there yet.
func freely(_, _ string, raw syscall.RawConn) (err error) {
	cerr := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_FREEBIND, 1) })
	return cmp.Or(cerr, err)
}

// reflect sends back what comes, with a name before it, until c is closed.
func reflect(name string, c *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		// An answer that cannot be sent is a lost packet.
		_, _ = c.WriteToUDPAddrPort(append([]byte(name+" "), buf[:n]...), from)
	}
}
