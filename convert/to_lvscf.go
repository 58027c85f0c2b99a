package convert

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"polso/config"
)

// ToLVSCF returns the document as Piranha's lvs.cf, in the order and layout of its web tool, and what that file cannot say. The document is a
// valid one. A virtual that Piranha cannot have is left out. A server that it would send packets to in a way the server does not expect, or
// one of weight 0, which it would make 1, is written as inactive.
func ToLVSCF(d config.Document) ([]byte, []Note) {
	l := &toLVSCF{export: export{format: "lvs.cf"}, homes: make(map[netip.Addr]*lvsHome)}
	l.virtuals = slices.DeleteFunc(slices.Clone(d.Virtuals), func(v config.Virtual) bool { return !l.takes(v) })
	l.network = mostForward(l.virtuals)
	vips := l.addresses(d.VIPs)
	l.globals(d)
	for _, x := range vips {
		l.vip(x)
	}
	for _, v := range l.virtuals {
		l.virtual(v)
	}
	return l.Bytes(), l.notes
}

// toLVSCF is one export.
type toLVSCF struct {
	export
	virtuals []config.Virtual // that are written
	network  config.Forward
	homes    map[netip.Addr]*lvsHome
	alias    int // of the device, the last one given
}

// lvsHome is where Piranha brings an address up.
type lvsHome struct {
	link  string // "": none is named
	bits  int
	alias int // 0: none yet
}

// takes reports whether Piranha can have the virtual, and notes if not.
func (l *toLVSCF) takes(v config.Virtual) bool {
	why := ""
	port, one := v.Port()
	switch {
	case v.Family == config.IPv6:
		why = "Piranha has no IPv6"
	case v.Protocol == config.SCTP:
		why = "Piranha balances tcp and udp"
	case v.FWMark == 0 && !(one && port != 0):
		why = "a virtual has one port"
	default:
		return true
	}
	l.note(Lost, block("virtual", v.Name), "%s, so it is left out", why)
	return false
}

// mostForward is the method of most servers, and dr if there are none.
func mostForward(virtuals []config.Virtual) config.Forward {
	most, count := config.DR, make(map[config.Forward]int)
	for _, v := range virtuals {
		for _, s := range v.Servers {
			count[s.Forward]++
		}
	}
	for _, f := range []config.Forward{config.NAT, config.Tun} {
		if count[f] > count[most] {
			most = f
		}
	}
	return most
}

// addresses finds the home of every address, and returns the vips that no virtual with an address has.
func (l *toLVSCF) addresses(vips []config.VIP) (others []config.VIP) {
	for _, v := range l.virtuals {
		if !v.Address.IsValid() {
			continue
		}
		home := l.homes[v.Address]
		if home == nil {
			home = &lvsHome{bits: 32}
			l.homes[v.Address] = home
		}
		if v.Interface != "" {
			home.link = v.Interface
		}
	}
	for _, x := range vips {
		home := l.homes[x.Address.Addr()]
		if home == nil {
			others = append(others, x)
			continue
		}
		home.bits = x.Address.Bits()
		if x.Interface != "" {
			home.link = x.Interface
		}
	}
	return others
}

// vip finds a line for an address that no virtual names: a gateway's, or that of the virtual with a firewall mark and the vip's name.
func (l *toLVSCF) vip(x config.VIP) {
	about, a := block("vip", x.Name), x.Address.Addr()
	marked := slices.ContainsFunc(l.virtuals, func(v config.Virtual) bool { return v.FWMark != 0 && v.Name == x.Name })
	switch {
	case a.Is4() && marked:
		l.homes[a] = &lvsHome{link: x.Interface, bits: x.Address.Bits()}
		i := slices.IndexFunc(l.virtuals, func(v config.Virtual) bool { return v.Name == x.Name })
		l.virtuals[i].Address = a // which lvs.cf has beside the mark
	case a.Is4() && x.Name == natRouter && l.network == config.NAT:
		l.homes[a] = &lvsHome{link: x.Interface, bits: x.Address.Bits()}
		l.line("nat_router = %s", l.up(about, a))
		l.line("nat_nmask = %s", dotted(x.Address.Bits()))
	default:
		l.note(Lost, about, "Piranha holds the addresses of its virtuals, not %s", strings.TrimSpace(fmt.Sprintf("%s %s", x.Address, x.Interface)))
	}
}

// natRouter is the vip that an import makes of nat_router.
const natRouter = "nat_router"

// up is an address with the alias of a device to bring it up on.
func (l *toLVSCF) up(about string, a netip.Addr) string {
	home := l.homes[a]
	if home.alias == 0 {
		l.alias++
		home.alias = l.alias
		if home.link == "" {
			home.link = "eth0"
			l.note(Changed, about, "Piranha needs a device, and none is named: eth0 is written")
		}
	}
	return fmt.Sprintf("%s %s:%d", a, home.link, home.alias)
}

func (l *toLVSCF) globals(d config.Document) {
	const about = "cluster"
	c := d.Cluster
	l.line("# Exported from Polso. Piranha wants the two routers' own addresses here too: primary, backup_active and backup.")
	l.note(Hint, about, "which router is the primary and which the backup is for you to write")
	l.line("serial_no = 1")
	l.line("service = lvs")
	l.line("network = %s", map[config.Forward]string{config.NAT: "nat", config.DR: "direct", config.Tun: "tunnel"}[l.network])
	l.onlyPolso(l.commands(d))
	if s := c.SyncDaemon; s != nil {
		l.line("syncdaemon = 1")
		l.line("syncd_iface = %s", s.Interface)
		l.line("syncd_id = %d", s.ID)
		if s.Group.IsValid() || s.Port != 0 || s.TTL != 0 || s.MaxLen != 0 {
			l.note(Lost, about, "sync_daemon has more than Piranha gives it: %s", ipvsDaemon(*s))
		}
	}
	l.positive("", "tcp_timeout", c.Timeouts.TCP)
	l.positive("", "tcpfin_timeout", c.Timeouts.TCPFin)
	l.positive("", "udp_timeout", c.Timeouts.UDP)
}

// commands writes what is run when a router becomes the director, or ceases to be, and returns the document without the notify blocks
// that say so.
func (l *toLVSCF) commands(d config.Document) config.Document {
	written := make(map[config.EventKind]bool)
	d.Notifies = slices.DeleteFunc(slices.Clone(d.Notifies), func(n config.Notify) bool {
		if len(n.Events) != 1 || written[n.Events[0]] || len(n.Virtuals) > 0 || n.Timeout != notifyTimeout || n.Limit != notifyLimit || !lvsWords(n.Command) {
			return false
		}
		key := map[config.EventKind]string{config.EventActive: "active_cmd", config.EventInactive: "inactive_cmd"}[n.Events[0]]
		if key == "" {
			return false
		}
		written[n.Events[0]] = true
		l.line(`%s = "%s"`, key, strings.Join(n.Command, " "))
		if n.User != "root" {
			l.note(Changed, block("notify", n.Name), "Piranha runs it as root, not as %s", n.User)
		}
		return true
	})
	return d
}

// lvsWords reports whether Piranha, which splits a command at its blanks and knows no quotes within, runs these words.
func lvsWords(command []string) bool {
	for _, w := range command {
		if w == "" || strings.ContainsAny(w, " \t\"'\\") {
			return false
		}
	}
	return len(command) > 0 && len(strings.Join(command, " ")) <= lvsLongest
}

// positive writes whole seconds, if there are any.
func (l *toLVSCF) positive(indent, name string, d time.Duration) {
	if d > 0 {
		l.line("%s%s = %d", indent, name, d/time.Second)
	}
}
