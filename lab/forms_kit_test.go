package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// answer has a node say its name to whoever asks at an address, over TCP, UDP or SCTP, until the test ends. An address of a family's
// zeroes is every one of that family's.
func answer(t *testing.T, n *Node, protocol string, at netip.AddrPort) {
	t.Helper()
	must(t, n.Do(func() error {
		switch protocol {
		case "udp":
			c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
			if err != nil {
				return err
			}
			t.Cleanup(func() { c.Close() })
			go reflect(n.Name, c)
			return nil
		case "sctp":
			l, err := listenSCTP(at)
			if err != nil {
				return err
			}
			t.Cleanup(func() { l.Close() })
			go greet(n.Name, l)
			return nil
		default:
			l, err := net.Listen("tcp", at.String())
			if err != nil {
				return err
			}
			t.Cleanup(func() { l.Close() })
			go greet(n.Name, l)
			return nil
		}
	}))
}

// greet tells whoever connects the name, until l is closed.
func greet(name string, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		fmt.Fprintln(c, name)
		c.Close()
	}
}

// asked is who answers at an address, asked once from a node.
func asked(n *Node, protocol string, to netip.AddrPort) (name string, err error) {
	const patience = 3 * time.Second
	done := make(chan struct{})
	n.Go(func() {
		defer close(done)
		var c net.Conn
		if protocol == "sctp" {
			from := n.Addr(Outside)
			if to.Addr().Is6() {
				from = n.Addr6(Outside)
			}
			c, err = dialSCTP(from, to, patience)
		} else {
			c, err = net.DialTimeout(protocol, to.String(), patience)
		}
		if err != nil {
			return
		}
		defer c.Close()
		buf := make([]byte, 100)
		if err = c.SetDeadline(time.Now().Add(patience)); err != nil {
			return
		}
		if protocol == "udp" {
			if _, err = c.Write([]byte("who")); err != nil {
				return
			}
		}
		size, readErr := c.Read(buf)
		name, err = strings.TrimSpace(strings.TrimSuffix(string(buf[:size]), "who")), readErr
	})
	<-done
	return name, err
}

// socketSCTP makes a socket that is bound to an address; SCTP tells the other side of no other then.
func socketSCTP(at netip.AddrPort) (fd int, err error) {
	family := unix.AF_INET
	if at.Addr().Is6() {
		family = unix.AF_INET6
	}
	if fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_SCTP); err != nil {
		return -1, fmt.Errorf("sctp: %w", err)
	}
	if err := unix.Bind(fd, sockaddr(at)); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("sctp: bind %s: %w", at, err)
	}
	return fd, nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is6() {
		return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	}
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
}

func listenSCTP(at netip.AddrPort) (net.Listener, error) {
	fd, err := socketSCTP(at)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "sctp")
	defer f.Close() // the listener has a copy
	if err := unix.Listen(fd, 16); err != nil {
		return nil, fmt.Errorf("sctp: listen %s: %w", at, err)
	}
	return net.FileListener(f)
}

func dialSCTP(from netip.Addr, to netip.AddrPort, patience time.Duration) (net.Conn, error) {
	fd, err := socketSCTP(netip.AddrPortFrom(from, 0))
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "sctp")
	defer f.Close()
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		return nil, err
	}
	if err := unix.Connect(fd, sockaddr(to)); err != nil {
		return nil, fmt.Errorf("sctp: connect %s: %w", to, err)
	}
	return net.FileConn(f)
}

// unwrapping is a second address of a server, at which GRE packets have checksums.
var unwrapping = netip.MustParseAddr("10.9.0.121")

// unwrap has a real server take packets out of every kind of tunnel. That is what a server by tun needs, beside the virtual address on its
// loopback.
func unwrap(ctx context.Context, s *Server) error {
	if err := s.sysctl("net/ipv4/conf/all/rp_filter", "0", "net/ipv4/conf/default/rp_filter", "0"); err != nil {
		return err
	}
	if _, err := s.Run(ctx, "modprobe", "-a", "ipip", "sit", "ip_gre", "ip6_gre", "ip6_tunnel", "fou", "fou6", "sctp"); err != nil {
		return err
	}
	local, local6 := s.Addr(Outside), s.Addr6(Outside)
	if err := s.Batch(ctx,
		"link set tunl0 up", // IPv4 in IPv4
		"link set sit0 up",  // IPv6 in IPv4
		fmt.Sprintf("link add six type ip6tnl mode any local %s remote ::", local6), "link set six up", // either in IPv6
		fmt.Sprintf("link add wrap type gre local %s remote any", local), "link set wrap up",
		fmt.Sprintf("addr add %s/24 dev eth0", unwrapping),
		fmt.Sprintf("link add summed type gre local %s remote any icsum", unwrapping), "link set summed up",
		fmt.Sprintf("link add wrap6 type ip6gre local %s remote ::", local6), "link set wrap6 up",
		"fou add port 6080 gue",
	); err != nil {
		return err
	}
	_, err := s.Run(ctx, "ip", "-6", "fou", "add", "port", "6080", "gue")
	return err
}
