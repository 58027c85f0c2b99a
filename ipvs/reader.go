package ipvs

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
)

// errChanged means that somebody changed the table while it was being read.
var errChanged = errors.New("the table changed while it was read")

// readAttempts is how often a table that changes under the reader is read anew.
const readAttempts = 3

// reader asks the kernel what moby/ipvs does not ask for: 64-bit counters, persistence engine, tunnels, families. It is
// for one goroutine at a time.
type reader struct {
	conn   *genetlink.Conn
	family uint16
	within time.Duration // of each exchange, of which a table of many services takes many; 0: no limit
}

// steady reads anew what somebody changes meanwhile.
func steady(read func() (Table, Stats, error)) (t Table, st Stats, err error) {
	for range readAttempts {
		if t, st, err = read(); !errors.Is(err, errChanged) {
			break
		}
	}
	return t, st, err
}

// fill reads the destinations of services, which it leaves as they are.
func (r reader) fill(services []Service) (Table, Stats, error) {
	return steady(func() (Table, Stats, error) {
		t, st := Table{Services: slices.Clone(services)}, make(Stats, len(services))
		for i := range t.Services {
			s := &t.Services[i]
			st[s.Key] = ServiceStats{Destinations: make(map[netip.AddrPort]DestinationStats)}
			if err := r.destinations(s, st); err != nil {
				return Table{}, nil, err
			}
		}
		return t, st, nil
	})
}

// overview reads the services without their destinations, and the timeouts.
func (r reader) overview() (Table, Stats, error) { return steady(r.services) }

func (r reader) services() (t Table, st Stats, err error) {
	st = make(Stats)
	err = r.dump(cmdGetService, nil, func(b []byte) error { return enter(b, &t, st) })
	if err != nil {
		return Table{}, nil, fmt.Errorf("read services: %w", err)
	}
	if t.Timeouts, err = r.timeouts(); err != nil {
		return Table{}, nil, err
	}
	return t.Canonical(), st, nil
}

// some reads those of the services that are there.
func (r reader) some(keys []Key) (t Table, st Stats, err error) {
	st = make(Stats)
	for _, k := range keys {
		ae := netlink.NewAttributeEncoder()
		encodeKey(ae, k)
		b, err := r.ask(cmdGetService, ae)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err == nil {
			err = enter(b, &t, st)
		}
		if err != nil {
			return Table{}, nil, fmt.Errorf("read service %s: %w", k, err)
		}
		if err := r.destinations(&t.Services[len(t.Services)-1], st); err != nil {
			return Table{}, nil, err
		}
	}
	return t.Canonical(), st, nil
}

// enter adds a service that the kernel has told of.
func enter(b []byte, t *Table, st Stats) error {
	s, c, err := decodeService(b)
	if err != nil {
		return err
	}
	if _, twice := st[s.Key]; twice {
		return fmt.Errorf("service %s: %w", s.Key, errChanged)
	}
	t.Services = append(t.Services, s)
	st[s.Key] = ServiceStats{Counters: c, Destinations: make(map[netip.AddrPort]DestinationStats)}
	return nil
}

// destinations reads those of a service that has been entered.
func (r reader) destinations(s *Service, st Stats) error {
	seen := st[s.Key].Destinations
	err := r.dump(cmdGetDest, &s.Key, func(b []byte) error {
		d, ds, err := decodeDestination(b, s.Family)
		if err != nil {
			return err
		}
		if _, twice := seen[d.Addr]; twice {
			return fmt.Errorf("server %s: %w", d.Addr, errChanged)
		}
		seen[d.Addr] = ds
		s.Destinations = append(s.Destinations, d)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read servers of %s: %w", s.Key, err)
	}
	return nil
}

func (r reader) timeouts() (Timeouts, error) {
	b, err := r.ask(cmdGetConfig, netlink.NewAttributeEncoder())
	if err != nil {
		return Timeouts{}, fmt.Errorf("read timeouts: %w", err)
	}
	return decodeTimeouts(b)
}

func (r reader) info() (Info, error) {
	b, err := r.ask(cmdGetInfo, netlink.NewAttributeEncoder())
	if err != nil {
		return Info{}, fmt.Errorf("read version: %w", err)
	}
	return decodeInfo(b)
}

// ask sends a request that has one answer.
func (r reader) ask(command uint8, ae *netlink.AttributeEncoder) ([]byte, error) {
	msgs, err := r.execute(command, ae, netlink.Request)
	if err != nil {
		return nil, err
	}
	if len(msgs) != 1 {
		return nil, fmt.Errorf("%d answers: %w", len(msgs), errIncomplete)
	}
	return msgs[0].Data, nil
}

// dump sends a request, about a service unless of is nil, and calls fn for each answer.
func (r reader) dump(command uint8, of *Key, fn func([]byte) error) error {
	ae := netlink.NewAttributeEncoder()
	if of != nil {
		encodeKey(ae, *of)
	}
	msgs, err := r.execute(command, ae, netlink.Request|netlink.Dump)
	if err != nil {
		return err
	}
	for _, m := range msgs {
		if err := fn(m.Data); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) execute(command uint8, ae *netlink.AttributeEncoder, flags netlink.HeaderFlags) ([]genetlink.Message, error) {
	b, err := ae.Encode()
	if err != nil {
		return nil, err
	}
	if r.within > 0 {
		if err := r.conn.SetDeadline(time.Now().Add(r.within)); err != nil {
			return nil, err
		}
	}
	req := genetlink.Message{Header: genetlink.Header{Command: command, Version: familyVersion}, Data: b}
	sent, err := r.conn.Send(req, r.family, flags)
	if err != nil {
		return nil, err
	}
	msgs, heads, err := r.conn.Receive()
	if err != nil {
		return nil, err
	}
	if err := netlink.Validate(sent, heads); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(heads, func(m netlink.Message) bool { return m.Header.Flags&netlink.DumpInterrupted != 0 }) {
		return nil, errChanged
	}
	return msgs, nil
}
