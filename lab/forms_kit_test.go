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

// answer has a node tell whoever asks at an address, over TCP, UDP or SCTP, its name and whom it sees, until the test ends. The node
// need not have the address yet.
func answer(t *testing.T, n *Node, protocol string, at netip.AddrPort) {
	t.Helper()
	must(t, n.Do(func() error {
		free := net.ListenConfig{Control: freely}
		switch protocol {
		case "udp":
			c, err := free.ListenPacket(t.Context(), "udp", at.String())
			if err != nil {
				return err
			}
			t.Cleanup(func() { c.Close() })
			go tell(n.Name, c.(*net.UDPConn))
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
			l, err := free.Listen(t.Context(), "tcp", at.String())
			if err != nil {
				return err
			}
			t.Cleanup(func() { l.Close() })
			go greet(n.Name, l)
			return nil
		}
	}))
}

// greet tells whoever connects the name and whom it sees, until l is closed.
func greet(name string, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		fmt.Fprintln(c, name, host)
		c.Close()
	}
}

// tell is greet by datagrams: it answers each, with what the datagram said after a line of its own.
func tell(name string, c *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		size, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		// An answer that cannot be sent is a lost packet.
		_, _ = c.WriteToUDPAddrPort(fmt.Appendf(nil, "%s %s\r\n%s", name, from.Addr().Unmap(), buf[:size]), from)
	}
}

// inquiry is a question from a client to a virtual server.
type inquiry struct {
	protocol string
	from     netip.Addr // one of the client's
	to       netip.AddrPort
	text     string // over UDP; who is connected to tells without being asked
	patience time.Duration
}

// answered is how long an answer is waited for: the first ones until the router has taken its addresses up, which on a machine that has
// other things to do it may have to begin again.
const answered = time.Minute

// told is what a server says: its name, and who asks as it sees it.
type told struct {
	server string
	client netip.Addr
}

// dialled connects from a node to where the inquiry goes. The caller closes it.
func (q inquiry) dialled(n *Node) (c net.Conn, err error) {
	done := make(chan struct{})
	n.Go(func() {
		defer close(done)
		d := net.Dialer{Timeout: q.patience}
		switch q.protocol {
		case "sctp":
			c, err = dialSCTP(q.from, q.to, q.patience)
			return
		case "udp":
			d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(q.from, 0))
		default:
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(q.from, 0))
		}
		c, err = d.Dial(q.protocol, q.to.String())
	})
	<-done
	return c, err
}

// asked is what is said to an inquiry from a node, asked once.
func asked(n *Node, q inquiry) (told, error) {
	c, err := q.dialled(n)
	if err != nil {
		return told{}, err
	}
	defer c.Close()
	return q.again(c)
}

// again asks on a connection that it has.
func (q inquiry) again(c net.Conn) (told, error) {
	if err := c.SetDeadline(time.Now().Add(q.patience)); err != nil {
		return told{}, err
	}
	if q.protocol == "udp" {
		if _, err := c.Write([]byte(q.text)); err != nil {
			return told{}, err
		}
	}
	buf := make([]byte, 2048)
	for {
		size, err := c.Read(buf)
		if err != nil {
			return told{}, err
		}
		line, text, _ := strings.Cut(string(buf[:size]), "\r\n")
		if text != q.text && q.protocol == "udp" {
			continue // a late answer, to what was asked before
		}
		name, seen, _ := strings.Cut(strings.TrimSpace(line), " ")
		client, err := netip.ParseAddr(seen)
		return told{name, client}, err
	}
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
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_FREEBIND, 1); err != nil {
		unix.Close(fd)
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
func (s *Server) unwrapping(family string) netip.Addr {
	if family == "v6" {
		return netip.MustParseAddr(fmt.Sprintf("fd09::1:%d", s.Host))
	}
	return netip.AddrFrom4([4]byte{10, 9, 0, byte(100 + s.Host)})
}

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
	sum, sum6 := s.unwrapping("v4"), s.unwrapping("v6")
	if err := s.Batch(ctx,
		"link set tunl0 up", // IPv4 in IPv4
		"link set sit0 up",  // IPv6 in IPv4
		fmt.Sprintf("link add six type ip6tnl mode any local %s remote ::", local6), "link set six up", // either in IPv6
		fmt.Sprintf("link add wrap type gre local %s remote any", local), "link set wrap up",
		fmt.Sprintf("link add wrap6 type ip6gre local %s remote ::", local6), "link set wrap6 up",
		fmt.Sprintf("addr add %s/24 dev eth0", sum), fmt.Sprintf("addr add %s/64 dev eth0 nodad", sum6),
		fmt.Sprintf("link add summed type gre local %s remote any icsum", sum), "link set summed up",
		fmt.Sprintf("link add summed6 type ip6gre local %s remote :: icsum", sum6), "link set summed6 up",
		"fou add port 6080 gue",
	); err != nil {
		return err
	}
	_, err := s.Run(ctx, "ip", "-6", "fou", "add", "port", "6080", "gue")
	return err
}
