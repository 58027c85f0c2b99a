package boot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"polso/lab/splice"
)

// Forward leads whoever connects to an address of this machine to a TCP port where the command runs, which listens on all addresses there.
type Forward struct {
	From netip.AddrPort // IPv4, as qemu knows no other
	To   uint16
}

// ParseForward reads ADDRESS:PORT=PORT.
func ParseForward(s string) (Forward, error) {
	from, to, _ := strings.Cut(s, "=")
	address, err := netip.ParseAddrPort(from)
	port, perr := strconv.ParseUint(to, 10, 16)
	if err != nil || perr != nil || !address.Addr().Is4() || address.Port() == 0 || port == 0 {
		return Forward{}, fmt.Errorf("forward %q: want IPV4:PORT=PORT", s)
	}
	return Forward{address, uint16(port)}, nil
}

// network is a machine's network in qemu's words: ports that lead in, and nothing that leads out.
func network(forwards []Forward) []string {
	if len(forwards) == 0 {
		return nil
	}
	user := "user,id=net,restrict=on,ipv6=off"
	for _, f := range forwards {
		user += fmt.Sprintf(",hostfwd=tcp:%s-:%d", f.From, f.To)
	}
	return []string{"-netdev", user, "-device", "virtio-net-pci,netdev=net,romfile="}
}

// relay is forwards without a virtual machine.
type relay struct {
	forwards  []Forward
	listeners []net.Listener
}

// newRelay listens. Close it.
func newRelay(forwards []Forward) (*relay, error) {
	r := &relay{forwards: forwards}
	for _, f := range forwards {
		l, err := net.Listen("tcp4", f.From.String())
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		r.listeners = append(r.listeners, l)
	}
	return r, nil
}

// Close stops listening; connections that are there stay.
func (r *relay) Close() error {
	var errs []error
	for _, l := range r.listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// run leads connections into the network namespace of a process until r is closed. It does not wait.
func (r *relay) run(ctx context.Context, pid int) {
	for i, l := range r.listeners {
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go lead(ctx, c.(*net.TCPConn), pid, r.forwards[i].To)
			}
		}()
	}
}

// lead makes one connection of c and one to a port in the process's network namespace; where that cannot be, c ends.
func lead(ctx context.Context, c *net.TCPConn, pid int, port uint16) {
	defer c.Close()
	inner := make(chan *net.TCPConn)
	go func() {
		defer close(inner)
		runtime.LockOSThread() // for good: a thread that has moved is not given back
		if err := enter(pid); err != nil {
			return
		}
		var d net.Dialer
		if to, err := d.DialContext(ctx, "tcp4", netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port).String()); err == nil {
			inner <- to.(*net.TCPConn)
		}
	}()
	if to := <-inner; to != nil {
		splice.Both(c, to)
	}
}

// errOurs means that the process has no network namespace of its own yet.
var errOurs = errors.New("it is in this process's network namespace")

// enter moves the calling thread into the process's network namespace.
func enter(pid int) error {
	theirs, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return err
	}
	defer theirs.Close()
	there, err := theirs.Stat()
	if err != nil {
		return err
	}
	here, err := os.Stat("/proc/thread-self/ns/net") // not of the process, whose first thread may have moved
	if err != nil {
		return err
	}
	if os.SameFile(here, there) {
		return errOurs
	}
	return unix.Setns(int(theirs.Fd()), unix.CLONE_NEWNET)
}
