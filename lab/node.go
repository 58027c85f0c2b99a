package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Node is one network namespace: a host of the laboratory. `ip netns exec NAME` finds it by its name.
type Node struct {
	Name string
	Host int // the last number of its addresses

	ports []port // where it is plugged in
	sieve bool   // the switch keeps some of its frames: CutOneWay, CutPair
	work  chan func()
	done  chan struct{}
}

// port is a plug: the far end of a node's device on the switch.
type port struct{ bridge, device string }

// segment is the one that the plug leads to.
func (p port) segment() Segment {
	if p.bridge == inner {
		return Inside
	}
	return Outside
}

const namesDir = "/run/netns"

// newNode makes a namespace whose loopback is up.
func newNode(ctx context.Context, name string, host int) (*Node, error) {
	if err := os.MkdirAll(namesDir, 0o755); err != nil {
		return nil, err
	}
	path := namesDir + "/" + name
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, fmt.Errorf("namespace %s: %w", name, err)
	}
	f.Close()
	n := &Node{Name: name, Host: host, work: make(chan func()), done: make(chan struct{})}
	ready := make(chan error)
	go n.live(path, ready)
	if err := <-ready; err != nil {
		return nil, errors.Join(fmt.Errorf("namespace %s: %w", name, err), os.Remove(path))
	}
	return n, n.Batch(ctx, "link set lo up")
}

// live is the thread that stays in the namespace for as long as the node is there. Processes are started from it, so
// that the parent-death signal ends them with the node even if this process is killed.
func (n *Node) live(path string, ready chan<- error) {
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	defer close(n.done)
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		err = unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	}
	ready <- err
	if err != nil {
		return
	}
	for f := range n.work {
		f()
	}
}

// Do runs f in the namespace and waits for it. What f opens (a socket) stays there; f must not block for long, for it keeps
// others from the same thread.
func (n *Node) Do(f func() error) error {
	result := make(chan error, 1)
	select {
	case n.work <- func() { result <- f() }:
		return <-result
	case <-n.done:
		return fmt.Errorf("%s: %w", n.Name, net.ErrClosed)
	}
}

// Go runs f in the namespace on a goroutine and thread of its own.
func (n *Node) Go(f func()) {
	go func() {
		runtime.LockOSThread() // for good: a thread that has moved is not given back
		fd, err := unix.Open(namesDir+"/"+n.Name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err != nil {
			return // the node is gone, and f with it
		}
		f()
	}()
}

// Start starts a process in the namespace; it is killed when the node goes.
func (n *Node) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return n.Do(cmd.Start)
}

// Namespace is the path of the node's network namespace.
func (n *Node) Namespace() string { return namesDir + "/" + n.Name }

// Run runs a program in the namespace and returns what it printed; an error carries what it said.
func (n *Node) Run(ctx context.Context, name string, args ...string) (string, error) {
	return n.run(exec.CommandContext(ctx, name, args...))
}

func (n *Node) run(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := n.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		said := strings.TrimSpace(stderr.String())
		return stdout.String(), fmt.Errorf("%s: %s: %w: %s", n.Name, strings.Join(cmd.Args, " "), err, said)
	}
	return stdout.String(), nil
}

// Batch runs lines of `ip` in one process.
func (n *Node) Batch(ctx context.Context, lines ...string) error {
	cmd := exec.CommandContext(ctx, "ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if _, err := n.run(cmd); err != nil {
		return fmt.Errorf("%w in:\n%s", err, strings.Join(lines, "\n"))
	}
	return nil
}

// sysctl sets kernel parameters of the namespace, given as path below /proc/sys and value in turn.
func (n *Node) sysctl(pairs ...string) error {
	return n.Do(func() error {
		for i := 0; i < len(pairs); i += 2 {
			if err := os.WriteFile("/proc/sys/"+pairs[i], []byte(pairs[i+1]), 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// close takes the namespace's name away and lets its thread go; the kernel frees it with the last process and socket.
func (n *Node) close() error {
	select {
	case <-n.done:
		return nil
	default:
	}
	close(n.work)
	<-n.done
	path := namesDir + "/" + n.Name
	return errors.Join(unix.Unmount(path, unix.MNT_DETACH), os.Remove(path))
}

// Addr is the node's address on a segment.
func (n *Node) Addr(inside Segment) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 9, byte(inside), byte(n.Host)})
}

// Addr6 is the node's IPv6 address on a segment. It is written with the digits of the IPv4 one.
func (n *Node) Addr6(s Segment) netip.Addr {
	if s == Inside {
		return netip.MustParseAddr(fmt.Sprintf("fd09:1::%d", n.Host))
	}
	return netip.MustParseAddr(fmt.Sprintf("fd09::%d", n.Host))
}

// MAC is the hardware address of the node's device on a segment: it tells the node.
func (n *Node) MAC(s Segment) net.HardwareAddr {
	return net.HardwareAddr{0x02, 0x09, byte(s), 0, 0, byte(n.Host)}
}

// Segment is one of the two networks.
type Segment byte

// The segments. Clients and virtual addresses are outside; servers that reach clients through the director are inside.
const (
	Outside Segment = 0
	Inside  Segment = 1
)
