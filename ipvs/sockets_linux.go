package ipvs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	moby "github.com/moby/ipvs"
	"github.com/sirupsen/logrus"
)

// sockets are the ways to the kernel: generic netlink of our own for reading, for servers and for many steps at once, moby/ipvs for
// writing the rest. None is for two goroutines at once.
type sockets struct {
	netns    string
	reader   reader
	pipeline pipeline // on the reader's socket
	writer   *moby.Handle
	broken   bool // an answer is outstanding that a later request would take for its own
}

// openSockets opens both, after making sure that there is an IPVS to talk to: without one, moby/ipvs's requests go to the
// kernel's netlink control, which acknowledges everything.
func openSockets(o Options) (*sockets, error) {
	s := &sockets{netns: o.NetNS}
	if err := s.open(); err == nil || !errors.Is(err, ErrNoIPVS) {
		return s, err
	}
	loading := load(o)
	if err := s.open(); err != nil {
		if errors.Is(err, ErrNoIPVS) && loading != nil {
			return nil, fmt.Errorf("%w: %w; install the kernel's modules (or run `modprobe ip_vs` on the host of a container)", err, loading)
		}
		return nil, err
	}
	return s, nil
}

func (s *sockets) open() error {
	namespace := 0
	if s.netns != "" {
		f, err := os.Open(s.netns)
		if err != nil {
			return fmt.Errorf("network namespace: %w", err)
		}
		defer f.Close()
		namespace = int(f.Fd())
	}
	socket, err := dial(namespace)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	port, err := socket.port()
	if err != nil {
		socket.Close()
		return fmt.Errorf("netlink: %w", err)
	}
	conn := genetlink.NewConn(netlink.NewConn(socket, port))
	family, err := conn.GetFamily(familyName)
	if err != nil {
		conn.Close()
		if errors.Is(err, fs.ErrNotExist) {
			return ErrNoIPVS
		}
		return fmt.Errorf("netlink: %w", err)
	}
	// moby/ipvs tells standard error when it finds no modprobe. Nothing else in the program logs through logrus.
	logrus.SetOutput(io.Discard)
	writer, err := moby.New(s.netns)
	if err != nil {
		conn.Close()
		return fmt.Errorf("netlink: %w", err)
	}
	s.reader, s.writer, s.broken = reader{conn: conn, family: family.ID}, writer, false
	s.pipeline = pipeline{socket: socket, family: family.ID}
	return nil
}

func (s *sockets) close() {
	s.reader.conn.Close()
	s.writer.Close()
}

// renew replaces sockets on which an exchange was cut short.
func (s *sockets) renew() error {
	if !s.broken {
		return nil
	}
	fresh := &sockets{netns: s.netns}
	if err := fresh.open(); err != nil {
		return err
	}
	if fresh.reader.family != s.reader.family {
		// moby/ipvs asks for the family's number once per process and would now write to another one.
		fresh.close()
		return errors.New("the module ip_vs was unloaded and loaded again under this process: restart it")
	}
	s.close()
	*s = *fresh
	return nil
}

// read lets fn ask the kernel, within the time for each exchange.
func (s *sockets) read(timeout time.Duration, fn func(reader) error) error {
	if err := s.renew(); err != nil {
		return err
	}
	r := s.reader
	r.within = timeout
	err := fn(r)
	s.broken = err != nil // whatever it was, nobody has to find out what is still in the socket
	return err
}

// write does one step within the time; the error is the kernel's errno if it answered.
func (s *sockets) write(timeout time.Duration, o Op) error {
	if o.onDestination() || o.Verb == StartDaemon || o.Verb == StopDaemon {
		// moby/ipvs knows no tunnel but IPIP and leaves out the server's family, without which the kernel takes it for the
		// service's own; of daemons it knows nothing.
		errnos, err := s.batch(timeout, []Op{o})
		if errnos[0] != 0 {
			return errnos[0]
		}
		return err
	}
	if err := s.renew(); err != nil {
		return err
	}
	// moby/ipvs waits for a lost answer for ever; closing its socket ends that.
	watchdog := time.AfterFunc(timeout, s.writer.Close)
	err := send(s.writer, o)
	inTime := watchdog.Stop()
	var errno syscall.Errno
	switch {
	case !inTime:
		s.broken = true
		if err != nil {
			return os.ErrDeadlineExceeded
		}
	case err != nil && !errors.As(err, &errno):
		s.broken = true
	}
	return err
}

// send says the step in moby/ipvs's words.
func send(h *moby.Handle, o Op) error {
	service := serviceMessage(o.Service)
	switch o.Verb {
	case AddService:
		return h.NewService(service)
	case EditService:
		return h.UpdateService(service)
	case DeleteService:
		return h.DelService(service)
	case SetTimeouts:
		t := o.Timeouts.canonical()
		return h.SetConfig(&moby.Config{TimeoutTCP: t.TCP, TimeoutTCPFin: t.TCPFin, TimeoutUDP: t.UDP})
	default:
		panic("ipvs: unknown verb")
	}
}

func serviceMessage(s Service) *moby.Service {
	s = s.Canonical()
	m := &moby.Service{
		AddressFamily: uint16(s.Family),
		FWMark:        s.FWMark,
		SchedName:     s.Scheduler,
		PEName:        s.PE,
		Flags:         uint32(s.Flags),
		Timeout:       uint32(seconds(s.Persistent)),
		Netmask:       maskValue(s.Family, s.PersistMask),
	}
	if s.FWMark == 0 {
		m.Address, m.Port, m.Protocol = net.IP(s.Addr.AsSlice()), s.Port, uint16(s.Protocol)
	}
	if s.Persistent > 0 {
		m.Flags |= flagPersistent
	}
	return m
}
