package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Sighting is a claim seen on the segment.
type Sighting struct {
	At   time.Time // the kernel's time of arrival; on the monotonic clock too, so that the wall clock may be set meanwhile
	Node string    // whose hardware address it is; the address itself if it is nobody's here
	Claim
}

// Watch asks a segment about a hundred times a second who has some addresses, and remembers every answer and every
// announcement. Each round of questions comes from another made-up address, so that two answers to the same question are
// told from two answers in a row. Its methods may be called by any goroutine.
type Watch struct {
	names map[string]string // hardware address → node
	addrs []netip.Addr
	fd    int
	stop  context.CancelFunc
	done  sync.WaitGroup

	mu   sync.Mutex // guards below
	seen []Sighting
}

const (
	askEvery = 10 * time.Millisecond
	// The made-up askers, by their last number.
	firstAsker, askers = 224, 16
	// Two answers by one node that are closer than this have no legitimate holding by another between them: a router
	// that lets go and takes up again needs an election in between.
	interleave = 100 * time.Millisecond
)

// StartWatch begins to ask from the observer on the outer segment. Stop it.
func (l *Lab) StartWatch(addrs ...netip.Addr) (*Watch, error) {
	names := make(map[string]string)
	for _, n := range l.nodes {
		names[n.MAC(Outside).String()] = n.Name
	}
	w := &Watch{names: names, addrs: addrs}
	var index int
	err := l.Observer.Do(func() (err error) {
		w.fd, index, err = packetSocket("eth0")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.done.Go(func() { w.listen(ctx) })
	w.done.Go(func() { w.ask(ctx, l.Observer, index) })
	return w, nil
}

// packetSocket opens a socket that sees every frame of a device and tells their times.
func packetSocket(device string) (fd, index int, err error) {
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, err
	}
	ifreq, err := unix.NewIfreq(device)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifreq)
	}
	if err == nil {
		index = int(ifreq.Uint32())
		err = errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: hostOrder(unix.ETH_P_ALL), Ifindex: index}))
	}
	if err != nil {
		unix.Close(fd)
		return 0, 0, err
	}
	return fd, index, nil
}

// hostOrder turns a protocol number into network byte order, as packet sockets want it.
func hostOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

func (w *Watch) ask(ctx context.Context, n *Node, index int) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	to := &unix.SockaddrLinklayer{Ifindex: index}
	for i := 0; ; i++ {
		for _, a := range w.addrs {
			// A full queue is a question that was lost.
			_ = unix.Sendto(w.fd, question(n.MAC(Outside), asker(a, i%askers), a), 0, to)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// asker is a made-up neighbour of an address.
func asker(a netip.Addr, i int) netip.Addr {
	b := a.AsSlice()
	b[len(b)-1] = byte(firstAsker + i)
	made, _ := netip.AddrFromSlice(b) // as long as it was
	return made
}

func (w *Watch) listen(ctx context.Context) {
	defer unix.Close(w.fd)
	frame, control := make([]byte, 2048), make([]byte, 128)
	for ctx.Err() == nil {
		n, cn, _, from, err := unix.Recvmsg(w.fd, frame, control, 0)
		if err != nil {
			if err == unix.EAGAIN || err == unix.EINTR {
				continue
			}
			return
		}
		if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		c, ok := parseClaim(frame[:n])
		if !ok || !slices.Contains(w.addrs, c.Addr) {
			continue
		}
		name, ok := w.names[c.MAC.String()]
		if !ok {
			name = c.MAC.String()
		}
		w.mu.Lock()
		w.seen = append(w.seen, Sighting{arrival(control[:cn], time.Now()), name, c})
		w.mu.Unlock()
	}
}

// longestQueue is how long a frame may have waited to be read. A stamp that is further from now is from before the wall
// clock was set.
const longestQueue = 2 * time.Second

// arrival is the kernel's time stamp, told in the reader's clocks; now if there is none, or none that can be believed.
func arrival(control []byte, now time.Time) time.Time {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return now
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS_NEW && len(m.Data) >= 16 {
			stamp := time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			if age := now.Round(0).Sub(stamp); age > 0 && age < longestQueue {
				return now.Add(-age)
			}
		}
	}
	return now
}

// Stop ends the questions; what was seen stays. It may be called more than once.
func (w *Watch) Stop() {
	w.stop()
	w.done.Wait()
}

// Answers are the answers about an address that came from one moment to another; a zero to means now.
func (w *Watch) Answers(addr netip.Addr, from, to time.Time) []Sighting {
	return w.sightings(addr, from, to, func(k ClaimKind) bool { return k == Reply })
}

// Announcements are the gratuitous ARP and unsolicited advertisements for an address in that time.
func (w *Watch) Announcements(addr netip.Addr, from, to time.Time) []Sighting {
	return w.sightings(addr, from, to, func(k ClaimKind) bool { return k != Reply })
}

func (w *Watch) sightings(addr netip.Addr, from, to time.Time, want func(ClaimKind) bool) []Sighting {
	if to.IsZero() {
		to = time.Now()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []Sighting
	for _, s := range w.seen {
		if s.Addr == addr && want(s.Kind) && !s.At.Before(from) && s.At.Before(to) {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(a, b Sighting) int { return a.At.Compare(b.At) })
	return found
}

// Holders are the nodes that answered for an address in that time, in the order in which they first did.
func (w *Watch) Holders(addr netip.Addr, from, to time.Time) []string {
	var names []string
	for _, s := range w.Answers(addr, from, to) {
		if !slices.Contains(names, s.Node) {
			names = append(names, s.Node)
		}
	}
	return names
}

// Overlap is a moment at which two nodes answered for the same address.
type Overlap struct {
	At           time.Time
	First, Other string
}

// String is one line for people.
func (o Overlap) String() string {
	return fmt.Sprintf("%s and %s both answered at %s", o.First, o.Other, o.At.Format("15:04:05.000"))
}

// Overlaps are the moments after from at which an address had two holders: two answers to one question, or one node's
// answer between two close ones of another.
func (w *Watch) Overlaps(addr netip.Addr, from, to time.Time) []Overlap {
	return overlaps(w.Answers(addr, from, to))
}

func overlaps(answers []Sighting) []Overlap {
	var found []Overlap
	type last struct {
		at   time.Time
		node string
	}
	byAsker := make(map[netip.Addr]last) // the last answer to each made-up asker
	byNode := make(map[string]time.Time) // the last answer of each node
	var before string                    // who answered just before
	for _, s := range answers {
		// An asker's turn comes round every askers × askEvery; within half of that it is the same question.
		if l, ok := byAsker[s.Asker]; ok && l.node != s.Node && s.At.Sub(l.at) < askers*askEvery/2 {
			found = append(found, Overlap{s.At, l.node, s.Node})
		} else if at, ok := byNode[s.Node]; ok && before != s.Node && s.At.Sub(at) < interleave {
			found = append(found, Overlap{s.At, before, s.Node})
		}
		byAsker[s.Asker], byNode[s.Node], before = last{s.At, s.Node}, s.At, s.Node
	}
	return found
}
