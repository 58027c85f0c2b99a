package ipvs

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// String returns "tcp", "udp", "sctp" or the number.
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case SCTP:
		return "sctp"
	default:
		return "protocol " + strconv.Itoa(int(p))
	}
}

// String returns "ipv4", "ipv6" or the number.
func (f Family) String() string {
	switch f {
	case IPv4:
		return "ipv4"
	case IPv6:
		return "ipv6"
	default:
		return "family " + strconv.Itoa(int(f))
	}
}

// String returns the method's name as this package writes it: "nat", "local", "tun", "direct".
func (f Forward) String() string {
	switch f {
	case NAT:
		return "nat"
	case Local:
		return "local"
	case Tun:
		return "tun"
	case Direct:
		return "direct"
	default:
		return "forward " + strconv.Itoa(int(f))
	}
}

// String returns ipvsadm's name: "ipip", "gue", "gre".
func (t TunnelType) String() string {
	switch t {
	case IPIP:
		return "ipip"
	case GUE:
		return "gue"
	case GRE:
		return "gre"
	default:
		return "tunnel " + strconv.Itoa(int(t))
	}
}

// String returns the scheduler flags and "ops" as a list, "" for none.
func (f Flags) String() string {
	names := f.sched("")
	if f&OnePacket != 0 {
		names = append(names, "ops")
	}
	return strings.Join(names, ",")
}

// sched lists the scheduler flags by the names that ipvsadm gives them with that scheduler, in ipvsadm's order.
func (f Flags) sched(scheduler string) []string {
	names := [3]string{"flag-1", "flag-2", "flag-3"}
	switch scheduler {
	case "sh", "mh":
		names[0], names[1] = scheduler+"-fallback", scheduler+"-port"
	}
	var out []string
	for i, bit := range [3]Flags{Sched1, Sched2, Sched3} {
		if f&bit != 0 {
			out = append(out, names[i])
		}
	}
	return out
}

// AddrKey names the service of an address, port and protocol.
func AddrKey(p Protocol, a netip.AddrPort) Key {
	return Key{Addr: a.Addr(), Port: a.Port(), Protocol: p, Family: FamilyOf(a.Addr())}
}

// MarkKey names the service of a firewall mark in one family.
func MarkKey(mark uint32, f Family) Key {
	return Key{FWMark: mark, Family: f}
}

// AddrPort returns the service's address and port; it is invalid for a firewall mark.
func (k Key) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(k.Addr, k.Port)
}

// String returns "tcp 10.0.0.1:80", "fwmark 7" or "fwmark 7 ipv6".
func (k Key) String() string {
	switch {
	case k.FWMark == 0:
		return k.Protocol.String() + " " + k.AddrPort().String()
	case k.Family == IPv6:
		return fmt.Sprintf("fwmark %d ipv6", k.FWMark)
	default:
		return fmt.Sprintf("fwmark %d", k.FWMark)
	}
}

// words names the service as ipvsadm's arguments do.
func (k Key) words() string {
	if k.FWMark != 0 {
		s := "-f " + strconv.FormatUint(uint64(k.FWMark), 10)
		if k.Family == IPv6 {
			s += " -6"
		}
		return s
	}
	switch k.Protocol {
	case TCP:
		return "-t " + k.AddrPort().String()
	case UDP:
		return "-u " + k.AddrPort().String()
	case SCTP:
		return "--sctp-service " + k.AddrPort().String()
	default:
		return k.String()
	}
}

// String returns the service in ipvsadm's words without its destinations: "-t 10.0.0.1:80 -s wlc -p 300".
func (s Service) String() string {
	w := []string{s.Key.words(), "-s", s.Scheduler}
	if s.Persistent > 0 {
		w = append(w, "-p", strconv.FormatInt(seconds(s.Persistent), 10))
		if mask := s.maskWord(); mask != "" {
			w = append(w, "-M", mask)
		}
	}
	if s.PE != "" {
		w = append(w, "--pe", s.PE)
	}
	if s.Flags&OnePacket != 0 {
		w = append(w, "-o")
	}
	if flags := s.Flags.sched(s.Scheduler); len(flags) > 0 {
		w = append(w, "-b", strings.Join(flags, ","))
	}
	return strings.Join(w, " ")
}

// maskWord returns the persistence mask as ipvsadm writes it, "" for a full-length one.
func (s Service) maskWord() string {
	bits := s.PersistMask
	switch {
	case bits == 0 || bits == fullMask(s.Family):
		return ""
	case s.Family == IPv6:
		return strconv.Itoa(bits)
	case bits < 0:
		return "0.0.0.0"
	default:
		return net.IP(net.CIDRMask(bits, 32)).String()
	}
}

// String returns the destination in ipvsadm's words: "-r 10.1.0.1:80 -g -w 1". ipvsadm has no word for Local and writes
// it as Direct.
func (d Destination) String() string {
	w := []string{"-r", d.Addr.String(), d.Forward.word(), "-w", strconv.Itoa(d.Weight)}
	if d.Forward == Tun {
		w = append(w, d.Tunnel.words()...)
	}
	if d.Upper != 0 || d.Lower != 0 {
		w = append(w, "-x", strconv.FormatUint(uint64(d.Upper), 10), "-y", strconv.FormatUint(uint64(d.Lower), 10))
	}
	return strings.Join(w, " ")
}

func (t Tunnel) words() []string {
	w := []string{"--tun-type", t.Type.String()}
	if t.Type == IPIP {
		return w
	}
	if t.Type == GUE {
		w = append(w, "--tun-port", strconv.Itoa(int(t.Port)))
	}
	return append(w, tunnelFlagWord(t.Flags))
}

func (f Forward) word() string {
	switch f {
	case NAT:
		return "-m"
	case Tun:
		return "-i"
	case Local, Direct:
		return "-g"
	default:
		return f.String()
	}
}

func tunnelFlagWord(flags uint16) string {
	switch flags {
	case 0:
		return "--tun-nocsum"
	case Csum:
		return "--tun-csum"
	case Remcsum:
		return "--tun-remcsum"
	default:
		return "--tun-flags " + strconv.Itoa(int(flags))
	}
}

// String returns "900 120 300": TCP, TCP after FIN, UDP, in seconds; 0 leaves the kernel's.
func (t Timeouts) String() string {
	return fmt.Sprintf("%d %d %d", seconds(t.TCP), seconds(t.TCPFin), seconds(t.UDP))
}

// String returns the table as `ipvsadm -S -n` prints it, one line each, sorted, and with the thresholds that ipvsadm 1.31
// forgets there. Timeouts are not part of it. The empty table is "".
func (t Table) String() string {
	var b strings.Builder
	for _, s := range t.Canonical().Services {
		fmt.Fprintf(&b, "-A %s\n", s)
		for _, d := range s.Destinations {
			fmt.Fprintf(&b, "-a %s %s\n", s.Key.words(), d)
		}
	}
	return b.String()
}

// seconds rounds up, since the kernel counts whole seconds and a wish for a little must not become 0, which means
// something else.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
