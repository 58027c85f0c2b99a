package convert

import (
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"polso/config"
)

// block makes a virtual of a virtual block.
func (l *lvscf) block(block *lvsBlock) {
	v := l.virtual(block.name, block.at)
	active, _ := l.yes(block, v.path, "active")
	v.inactive = l.fos || !active
	v.Forward = l.forward
	port := l.port(block, v)
	l.reached(block, v, port)
	l.balancing(block, v)
	v.Check = l.check(block, v, port)
	for _, inner := range block.blocks {
		l.server(inner, v, port)
	}
	l.slowly(block, v)
	l.late(block, v, port)
	l.rest(block, v.path)
	l.first(v)
	if !active {
		l.hint(v.path, block.at, "it is not active, so Piranha skipped it")
	}
}

// slowly lets servers come back as nanny did. A weight of 1 is there at once.
func (l *lvscf) slowly(block *lvsBlock, v *virtual) {
	if v.Check == nil {
		return
	}
	heaviest := 0
	for _, s := range v.servers {
		heaviest = max(heaviest, s.Weight)
	}
	if v.SlowStart = nannySlowStart(v.Check.Every, heaviest); v.SlowStart == 0 {
		return
	}
	v.SlowCurve = config.Doubling
	if !l.slow && !v.inactive {
		l.slow = true
		l.hint(v.path, block.at, "nanny gave a server that came up a 32nd of its weight, 1 at least, and doubled that every 20 s or so: slow_start")
	}
}

// nannySlowStart is how long nanny took to the whole of a weight from a 32nd of it, 1 at least: it doubled after so many good answers as fit
// into 20 s, and after every one if none does.
func nannySlowStart(every time.Duration, weight int) time.Duration {
	doublings := min(bits.Len(uint(max(weight, 1)-1)), 5)
	step := every * time.Duration(max(1, int(20*time.Second/every)))
	return min(step*time.Duration(doublings), time.Hour)
}

// first leaves out a virtual that another one above it is like to packets: ipvsadm refused it.
func (l *lvscf) first(v *virtual) {
	if v.inactive || !v.Address.IsValid() && v.FWMark == 0 {
		return
	}
	key := fmt.Sprint(v.FWMark, v.Address, v.Ports, v.Protocol)
	if other, twice := l.starts[key]; twice {
		v.gone = true
		l.lost(v.path, l.where(v.path), "virtual %q has its address, port and protocol, or its mark, already, so Piranha never started it", other)
		return
	}
	l.starts[key] = v.Name
}

// port takes the port of a virtual: a number, or a service as this machine knows it for TCP. It is 80 unless said otherwise.
func (l *lvscf) port(block *lvsBlock, v *virtual) uint16 {
	const otherwise = 80
	d := l.take(block, v.path, "port")
	if d == nil {
		return otherwise
	}
	l.at(v.path+" port", d.at)
	if n, err := strconv.ParseUint(d.value(), 0, 16); err == nil && n > 0 {
		return uint16(n)
	}
	if word := d.value(); len(word) < 32 && legal(word) == word && strings.Trim(word, "0123456789") != "" {
		if n, err := net.LookupPort("tcp", word); err == nil && n > 0 {
			l.changed(v.path, d.at, "the port's number is %d", n)
			return uint16(n)
		}
	}
	l.lost(v.path, d.at, "%q is not a port; 80, the default, is taken", d.value())
	return otherwise
}

// reached reads what the clients' packets look like.
func (l *lvscf) reached(block *lvsBlock, v *virtual, port uint16) {
	protocol := config.TCP
	if d := l.take(block, v.path, "protocol"); d != nil {
		switch word := config.Protocol(l.lower(v.path, d)); word {
		case config.TCP, config.UDP:
			protocol = word
		default:
			l.lost(v.path, d.at, "%q is neither tcp nor udp; tcp, the default, is taken", d.value())
		}
	}
	mark, marked := l.number(block, v.path, "fwmark", 0, 1<<32-1, 0)
	if mark != 0 {
		v.FWMark, v.Family = uint32(mark), config.IPv4
		l.hint(v.path, marked.at, "the rule that sets mark %d is the routers' own, as it was; every router needs it", mark)
		l.at(v.path+" fwmark", marked.at)
	} else {
		v.Protocol, v.Ports = protocol, []uint16{port}
	}
	d := l.take(block, v.path, "address")
	bits, _ := l.mask(block, v.path, "vip_nmask")
	if d == nil || len(d.words) == 0 {
		return // finish says that it has none
	}
	l.at(v.path+" address", d.at)
	a := l.address(v.path, d, d.words[0])
	device := l.device(v.path, d)
	if mark == 0 {
		v.Address = a
	}
	link := device
	if a.IsValid() && !v.inactive { // else its address is nowhere, so there is no vip for it
		link = l.home(v, d, a, device, bits, mark != 0)
	}
	if v.Address.IsValid() {
		v.Interface = link
	}
}

// lower is a word in lower case, as the daemons want it.
func (l *lvscf) lower(about string, d *lvsDirective) string {
	word := strings.ToLower(d.value())
	if word != d.value() {
		l.hint(about, d.at, refused+"the capital letters")
	}
	return word
}

// balancing reads how a virtual spreads its connections.
func (l *lvscf) balancing(block *lvsBlock, v *virtual) {
	if d := l.take(block, v.path, "scheduler"); d != nil {
		v.Scheduler = l.lower(v.path, d)
		l.at(v.path+" scheduler", d.at)
	}
	timeout, d := l.number(block, v.path, "persistent", 0, 1<<21, 0)
	mask, masked := l.mask(block, v.path, "pmask")
	switch {
	case timeout > 0:
		v.Persistent = &config.Persistent{Timeout: seconds(timeout), Mask: mask % 32} // /32 is each client for itself
		l.at(v.path+" persistent", d.at)
	case masked != nil:
		l.hint(v.path, masked.at, "pmask had no effect: persistent is not set")
	}
	if quiesce, _ := l.yes(block, v.path, "quiesce_server"); quiesce {
		v.OnFailure = config.Quiesce
	}
	if d := l.take(block, v.path, "load_monitor"); d != nil && d.value() != "none" {
		level := Lost
		if v.inactive {
			level = Hint // nothing ran
		}
		l.note(level, v.path, d.at, `weights follow the load where each server says it itself: let it answer "load:$(cut -d' ' -f1 /proc/loadavg)" on a port, and write a check "agent" beside this one, in a check "all"`)
	}
	if d := l.take(block, v.path, "sorry_server"); d != nil {
		l.at(v.path+" sorry_server", d.at)
		if a := l.address(v.path, d, d.value()); a.IsValid() {
			v.Sorry = []config.Server{config.SorryServer(netip.AddrPortFrom(a, 0))}
		}
	}
}

// server makes a server of a server block, if it is active.
func (l *lvscf) server(block *lvsBlock, v *virtual, port uint16) {
	if active, _ := l.yes(block, v.path, "active"); !active {
		l.lost(v.path, block.at, "server %q is not active, so Piranha left it out: %s", block.name, l.gist(block))
		return
	}
	s := v.server(block.name, block.at)
	if d := l.take(block, s.path, "address"); d != nil {
		l.at(s.path+" address", d.at)
		if a := l.address(s.path, d, d.value()); a.IsValid() {
			s.Address = netip.AddrPortFrom(a, 0)
		}
	}
	own, d := l.number(block, s.path, "port", 1, 1<<16-1, int(port))
	switch {
	case own == int(port):
	case l.forward == config.NAT && s.Address.IsValid():
		s.Address = netip.AddrPortFrom(s.Address.Addr(), uint16(own))
	case l.forward != config.NAT:
		l.changed(s.path, d.at, "the packet reaches it as the client sent it, so its port is the virtual's, %d", port)
	}
	weight, d := l.number(block, s.path, "weight", -1<<31, 1<<31-1, 1)
	s.Weight = min(max(weight, 0), 1<<16-1)
	switch {
	case weight != s.Weight:
		l.changed(s.path, d.at, "a weight is 0 to 65535, so it is %d here", s.Weight)
	case weight == 0:
		l.hint(s.path, d.at, "Piranha made 1 of weight 0; here it takes no new connection")
	}
	l.rest(block, s.path)
}

// gist is a server block that is left out, on one line.
func (l *lvscf) gist(block *lvsBlock) string {
	var words []string
	for _, d := range block.directives {
		if d.key != "active" {
			words = append(words, d.key+" "+d.value())
		}
	}
	return strings.Join(words, ", ")
}

// late notes a port that stands below servers, which Piranha had given port 80 by then.
func (l *lvscf) late(block *lvsBlock, v *virtual, port uint16) {
	d := l.take(block, v.path, "port")
	if d == nil || port == 80 || l.forward != config.NAT || len(block.blocks) == 0 || block.blocks[0].at.line > d.at.line {
		return
	}
	l.changed(v.path, d.at, "servers above this line without a port of their own had port 80 in Piranha, and have %d here", port)
}
