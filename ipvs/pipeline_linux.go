package ipvs

import (
	"encoding/binary"
	"errors"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
)

// window is how many steps are sent at once. Should the kernel refuse them all, its answers fit into the socket's buffer
// as every kernel gives it.
const window = 256

// pipeline sends many steps with one system call and takes the answers with another. Each step is acknowledged if it is
// refused, the last in any case; as the kernel answers in the order in which it was asked, with that all is known.
type pipeline struct {
	socket interface {
		SendMessages([]netlink.Message) error
		Receive() ([]netlink.Message, error)
		SetDeadline(time.Time) error
	}
	family   uint16
	sequence uint32 // of the last step sent
}

// send does a window of steps of which none depends on another, within the time. It returns what the kernel said of each
// as an errno, 0 where it took the step. With an error, what became of those without an errno is not known.
func (p *pipeline) send(timeout time.Duration, ops []Op) ([]syscall.Errno, error) {
	errnos := make([]syscall.Errno, len(ops))
	first := p.sequence + 1
	messages := make([]netlink.Message, len(ops))
	for i, o := range ops {
		command, attributes, err := o.encode()
		if err != nil {
			return errnos, err
		}
		p.sequence++
		messages[i] = netlink.Message{
			Header: netlink.Header{Type: netlink.HeaderType(p.family), Flags: netlink.Request, Sequence: p.sequence},
			Data:   append([]byte{command, familyVersion, 0, 0}, attributes...),
		}
	}
	messages[len(messages)-1].Header.Flags |= netlink.Acknowledge
	if err := p.socket.SetDeadline(time.Now().Add(timeout)); err != nil {
		return errnos, err
	}
	if err := p.socket.SendMessages(messages); err != nil {
		return errnos, err
	}
	for {
		answers, err := p.socket.Receive()
		if err != nil {
			return errnos, err
		}
		for _, a := range answers {
			i := a.Header.Sequence - first // another exchange's answer is far beyond
			if a.Header.Type != netlink.Error || i >= uint32(len(ops)) || len(a.Data) < 4 {
				return errnos, errStray
			}
			if code := int32(binary.NativeEndian.Uint32(a.Data)); code != 0 {
				errnos[i] = syscall.Errno(-code)
			}
			if i == uint32(len(ops)-1) {
				return errnos, nil
			}
		}
	}
}

// errStray means that an answer was to no step of ours.
var errStray = errors.New("the kernel's answer is to none of these steps")

// batch does a window of steps: see pipeline.send.
func (s *sockets) batch(timeout time.Duration, ops []Op) ([]syscall.Errno, error) {
	if err := s.renew(); err != nil {
		return make([]syscall.Errno, len(ops)), err
	}
	errnos, err := s.pipeline.send(timeout, ops)
	s.broken = err != nil // answers may have been lost (ENOBUFS), or be still to come
	return errnos, err
}
