package ipvs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// transport is a generic netlink socket below netlink.Conn. netlink's own looks at each answer's length before it takes
// it, into a new buffer each time; here one buffer takes any answer at once, which also has the kernel put as much into
// each as it can (32 KiB): a table is many thousands of entries.
type transport struct {
	conn   *socket.Conn
	buffer []byte
}

// receiveBuffer holds the answers to a window of refused steps several times over.
const receiveBuffer = 1 << 20

// errLong means that an answer did not fit, which no kernel sends.
var errLong = errors.New("an answer longer than any known")

// dial opens the socket in the network namespace of the descriptor; 0 is the process's own.
func dial(namespace int) (*transport, error) {
	conn, err := socket.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_GENERIC, "ipvs", &socket.Config{NetNS: namespace})
	if err != nil {
		return nil, err
	}
	if err := conn.Bind(&unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		conn.Close()
		return nil, err
	}
	// Both make room for answers; a kernel that refuses either still has room for one window.
	_ = conn.SetReadBuffer(receiveBuffer)
	_ = conn.SetsockoptInt(unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	return &transport{conn: conn, buffer: make([]byte, 64<<10)}, nil
}

func (t *transport) Close() error                        { return t.conn.Close() }
func (t *transport) SetDeadline(at time.Time) error      { return t.conn.SetDeadline(at) }
func (t *transport) SetReadDeadline(at time.Time) error  { return t.conn.SetReadDeadline(at) }
func (t *transport) SetWriteDeadline(at time.Time) error { return t.conn.SetWriteDeadline(at) }

// Send sends one message.
func (t *transport) Send(m netlink.Message) error { return t.SendMessages([]netlink.Message{m}) }

// SendMessages sends the messages in one call. The kernel does what they ask one after the other before it returns.
func (t *transport) SendMessages(list []netlink.Message) error {
	var b []byte
	for _, m := range list {
		b = binary.NativeEndian.AppendUint32(b, uint32(unix.SizeofNlMsghdr+len(m.Data)))
		b = binary.NativeEndian.AppendUint16(b, uint16(m.Header.Type))
		b = binary.NativeEndian.AppendUint16(b, uint16(m.Header.Flags))
		b = binary.NativeEndian.AppendUint32(b, m.Header.Sequence)
		b = binary.NativeEndian.AppendUint32(b, m.Header.PID)
		b = append(b, m.Data...)
		b = append(b, make([]byte, -len(m.Data)&3)...)
	}
	_, err := t.conn.Sendmsg(context.Background(), b, nil, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}, 0)
	return err
}

// Receive returns what one call to the kernel gives: one message or more.
func (t *transport) Receive() ([]netlink.Message, error) {
	n, _, flags, _, err := t.conn.Recvmsg(context.Background(), t.buffer, nil, 0)
	switch {
	case err != nil:
		return nil, err
	case flags&unix.MSG_TRUNC != 0:
		return nil, errLong
	}
	b := append([]byte(nil), t.buffer[:n]...)
	raw, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	list := make([]netlink.Message, len(raw))
	for i, m := range raw {
		list[i] = netlink.Message{Header: netlink.Header{
			Length: m.Header.Len, Type: netlink.HeaderType(m.Header.Type), Flags: netlink.HeaderFlags(m.Header.Flags),
			Sequence: m.Header.Seq, PID: m.Header.Pid,
		}, Data: m.Data}
	}
	return list, nil
}

// port is the socket's address, which the kernel's answers bear.
func (t *transport) port() (uint32, error) {
	at, err := t.conn.Getsockname()
	if err != nil {
		return 0, err
	}
	a, ok := at.(*unix.SockaddrNetlink)
	if !ok {
		return 0, fmt.Errorf("%T is no netlink address", at)
	}
	return a.Pid, nil
}
