package ipvs

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// maxTimeout is the longest timeout in a table. The kernel counts in ticks in an int: at 1000 ticks a second that is
// 2147483 s, and it refuses or wraps beyond.
const maxTimeout = 2147483 * time.Second

// maxWeight is the largest weight. The kernel keeps 32 bits, but a scheduler multiplies weights by connections.
const maxWeight = 65535

// maxThreshold is the largest connection threshold: the kernel compares with signed counters.
const maxThreshold = 1<<31 - 1

// maxName is the longest name of a scheduler or persistence engine (IP_VS_SCHEDNAME_MAXLEN and IP_VS_PENAME_MAXLEN less
// the terminating zero).
const maxName = 15

// Check returns every reason why the table cannot be written, joined, in the table's order; nil if there is none. Whether
// the kernel has the scheduler is not known here, nor whether a sync daemon runs, beside which no server may be of another
// family than its service.
func (t Table) Check() error {
	var errs []error
	if err := t.Timeouts.check(); err != nil {
		errs = append(errs, err)
	}
	seen := make(map[Key]bool, len(t.Services))
	for _, s := range t.Services {
		if seen[s.Key] {
			errs = append(errs, fmt.Errorf("service %s: named twice", s.Key))
			continue
		}
		seen[s.Key] = true
		for _, err := range s.problems() {
			errs = append(errs, fmt.Errorf("service %s: %w", s.Key, err))
		}
	}
	return errors.Join(errs...)
}

// Check returns every reason why no kernel edge would take the step, joined; nil if there is none.
func (o Op) Check() error {
	var errs []error
	switch o.Verb {
	case AddService, EditService:
		errs = o.Service.alone().problems()
	case DeleteService:
		errs = o.Service.Key.problems()
	case AddDestination, EditDestination:
		errs = append(o.Service.Key.problems(), o.Destination.problems(o.Service.Key)...)
	case DeleteDestination:
		errs = append(o.Service.Key.problems(), addrProblems(o.Destination.Addr.Addr())...)
	case SetTimeouts:
		return o.Timeouts.check()
	case StartDaemon:
		errs = o.Daemon.problems()
	case StopDaemon:
		errs = o.Daemon.Role.problems()
	default:
		return fmt.Errorf("%s is not a step", o.Verb)
	}
	return errors.Join(errs...)
}

func (t Timeouts) check() error {
	var errs []error
	for _, v := range []struct {
		name string
		d    time.Duration
	}{{"tcp", t.TCP}, {"tcpfin", t.TCPFin}, {"udp", t.UDP}} {
		if v.d < 0 || v.d > maxTimeout {
			errs = append(errs, fmt.Errorf("timeout %s: %s is not within 0..%s", v.name, v.d, maxTimeout))
		}
	}
	return errors.Join(errs...)
}

func (k Key) problems() []error {
	if k.FWMark != 0 {
		var errs []error
		if k.Addr.IsValid() || k.Port != 0 || k.Protocol != 0 {
			errs = append(errs, errors.New("a firewall mark goes without address, port and protocol"))
		}
		if k.Family != IPv4 && k.Family != IPv6 {
			errs = append(errs, fmt.Errorf("%s: a firewall mark is of ipv4 or ipv6", k.Family))
		}
		return errs
	}
	if !k.Addr.IsValid() {
		return []error{errors.New("neither an address nor a firewall mark")}
	}
	errs := addrProblems(k.Addr)
	if k.Family != FamilyOf(k.Addr) {
		errs = append(errs, fmt.Errorf("%s: not the address's family", k.Family))
	}
	switch k.Protocol {
	case TCP, UDP, SCTP:
	default:
		errs = append(errs, fmt.Errorf("%s: IPVS balances tcp, udp and sctp", k.Protocol))
	}
	return errs
}

func addrProblems(a netip.Addr) []error {
	switch {
	case !a.IsValid():
		return []error{errors.New("no address")}
	case a.Is4In6():
		return []error{fmt.Errorf("%s: write it as %s", a, a.Unmap())}
	case a.Zone() != "":
		return []error{fmt.Errorf("%s: IPVS knows no zones", a)}
	case a.IsUnspecified() || a.IsMulticast():
		return []error{fmt.Errorf("%s is not the address of one host", a)}
	}
	return nil
}

func (s Service) problems() []error {
	errs := s.Key.problems()
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := nameProblem("scheduler", s.Scheduler); err != nil {
		errs = append(errs, err)
	}
	if s.Persistent < 0 || s.Persistent > maxTimeout {
		add("persistence of %s is not within 0..%s", s.Persistent, maxTimeout)
	}
	if s.FWMark == 0 && s.Port == 0 && s.Persistent == 0 {
		add("port 0 (every port) needs persistence")
	}
	if s.PersistMask < 0 || s.PersistMask > fullMask(s.Family) {
		add("persistence mask /%d is not within 1..%d (0 is the full one)", s.PersistMask, fullMask(s.Family))
	}
	if extra := s.Flags &^ (OnePacket | Sched1 | Sched2 | Sched3); extra != 0 {
		add("flags %#x are not known", uint32(extra))
	}
	if s.Flags&OnePacket != 0 && s.FWMark == 0 && s.Protocol != UDP {
		add("one-packet scheduling is for udp")
	}
	if s.PE != "" {
		if err := nameProblem("persistence engine", s.PE); err != nil {
			errs = append(errs, err)
		}
		if s.Persistent == 0 {
			add("persistence engine %s needs persistence", s.PE)
		}
	}
	seen := make(map[netip.AddrPort]bool, len(s.Destinations))
	for _, d := range s.Destinations {
		if seen[d.Addr] {
			add("server %s: named twice", d.Addr)
			continue
		}
		seen[d.Addr] = true
		for _, err := range d.problems(s.Key) {
			add("server %s: %w", d.Addr, err)
		}
	}
	return errs
}

func (d Destination) problems(k Key) []error {
	errs := addrProblems(d.Addr.Addr())
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if d.Weight < 0 || d.Weight > maxWeight {
		add("weight %d is not within 0..%d", d.Weight, maxWeight)
	}
	if d.Upper > maxThreshold {
		add("upper threshold %d is above %d", d.Upper, maxThreshold)
	}
	if d.Lower > d.Upper {
		add("lower threshold %d is above the upper one, %d", d.Lower, d.Upper)
	}
	if d.Addr.Port() == 0 && k.Port != 0 {
		add("port 0 is for services of every port")
	}
	switch d.Forward {
	case NAT:
	case Local, Tun, Direct:
		if k.Port != 0 && d.Addr.Port() != 0 && d.Addr.Port() != k.Port {
			add("%s forwarding cannot change the port from %d to %d", d.Forward, k.Port, d.Addr.Port())
		}
	default:
		add("%s is not a forwarding method", d.Forward)
	}
	if d.Forward == Tun {
		errs = append(errs, d.Tunnel.problems()...)
	}
	if d.Addr.IsValid() && FamilyOf(d.Addr.Addr()) != k.Family && d.Forward != Tun {
		add("%s server of an %s service: only tun forwarding crosses families", FamilyOf(d.Addr.Addr()), k.Family)
	}
	return errs
}

func (t Tunnel) problems() []error {
	most := Remcsum
	switch t.Type {
	case IPIP:
		if t != (Tunnel{}) {
			return []error{errors.New("an ipip tunnel has neither port nor flags")}
		}
		return nil
	case GUE:
		if t.Port == 0 {
			return []error{errors.New("a gue tunnel needs a port")}
		}
	case GRE:
		most = Csum
		if t.Port != 0 {
			return []error{errors.New("a gre tunnel has no port")}
		}
	default:
		return []error{fmt.Errorf("%s is not known", t.Type)}
	}
	if t.Flags > most {
		return []error{fmt.Errorf("flags %#x do not go with a %s tunnel", t.Flags, t.Type)}
	}
	return nil
}

func nameProblem(what, name string) error {
	if name == "" {
		return fmt.Errorf("no %s", what)
	}
	if len(name) > maxName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return fmt.Errorf("%s %q is not a kernel's name", what, name)
	}
	return nil
}
