// Package wire carries what the nodes of a cluster say to each other: one TCP port, TLS 1.3, three protocols told apart
// by ALPN (raft's messages, HTTP between members, joining).
//
// Nothing is handed on before the handshake has ended and the other end is known to be a member (or asks to join): what
// stands behind raft's listener believes every byte it reads. A node may have several addresses: a connection is made to the
// first that answers, and Paths takes raft's requests over all of them.
package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Port is the cluster's port where an address names none.
const Port = "5390"

// userTimeout is how long sent data may stay unacknowledged before the kernel gives the connection up
// (TCP_USER_TIMEOUT, tcp(7)); without it a connection over a dead path lives for a quarter of an hour.
const userTimeout = 5 * time.Second

var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 2}

// WithPort completes an address with Port; see Address.
func WithPort(address string) (string, error) { return Address(address, Port) }

// Address completes an address with a port where it names none: "10.0.0.1", "2001:db8::1", "[2001:db8::1]", "r1.example", each also with
// ":port" (IPv6 then in brackets). An empty host stands for every address of this node.
func Address(address, port string) (string, error) {
	host := address
	switch {
	case isIPv6(address):
	case strings.HasPrefix(address, "[") && strings.HasSuffix(address, "]"):
		host = address[1 : len(address)-1]
		if !isIPv6(host) {
			return "", fmt.Errorf("address %q: %q is not an IPv6 address", address, host)
		}
	case strings.Contains(address, ":"):
		var err error
		if host, port, err = net.SplitHostPort(address); err != nil {
			return "", fmt.Errorf("address %q: want host, host:port or [IPv6]:port: %w", address, err)
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("address %q: port %q is not a number from 0 to 65535", address, port)
	} else {
		port = strconv.FormatUint(n, 10)
	}
	if strings.ContainsAny(host, " /@?#") {
		return "", fmt.Errorf("address %q: %q is not a host", address, host)
	}
	return net.JoinHostPort(host, port), nil
}

func isIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6()
}

// network keeps the families apart, so that 0.0.0.0 and [::] can be listened on together.
func network(address string) string {
	ap, err := netip.ParseAddrPort(address)
	switch {
	case err != nil:
		return "tcp"
	case ap.Addr().Is4():
		return "tcp4"
	default:
		return "tcp6"
	}
}

// remoteIP is the address to count a connection under.
func remoteIP(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func setUserTimeout(c net.Conn) error {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var opt error
	err = raw.Control(func(fd uintptr) {
		opt = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
	})
	return errors.Join(err, opt)
}
