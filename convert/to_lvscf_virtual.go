package convert

import (
	"slices"
	"time"

	"polso/config"
)

// The indents of the web tool.
const (
	lvsInVirtual = "     "
	lvsInServer  = "         "
)

// virtual writes a virtual with its servers.
func (l *toLVSCF) virtual(v config.Virtual) {
	about := block("virtual", v.Name)
	in := func(format string, args ...any) { l.line(lvsInVirtual+format, args...) }
	l.line("virtual %s {", v.Name)
	in("active = %d", map[bool]int{false: 1, true: 0}[v.Inactive])
	if v.Address.IsValid() {
		in("address = %s", l.up(about, v.Address))
		in("vip_nmask = %s", dotted(l.homes[v.Address].bits))
	} else {
		l.note(Hint, about, "no vip has its name: write the address that mark %d is set for", v.FWMark)
	}
	for i, s := range v.Sorry {
		if i > 0 {
			l.note(Lost, about, "sorry_server %q: lvs.cf has one", s.Name)
			continue
		}
		in("sorry_server = %s", s.Address.Addr())
		l.sorry(v, s)
	}
	if v.FWMark != 0 {
		in("fwmark = %d", v.FWMark)
	}
	port := lvsPort(v)
	in("port = %d", port)
	if p := v.Persistent; p != nil {
		l.positive(lvsInVirtual, "persistent", p.Timeout)
		if p.Mask != 0 {
			in("pmask = %s", dotted(p.Mask))
		}
		if p.Engine != "" {
			l.note(Lost, about, "engine = %q", p.Engine)
		}
	}
	l.check(v, port)
	in("load_monitor = none")
	in("scheduler = %s", l.scheduler(v))
	in("protocol = %s", lvsProtocol(v))
	l.pace(v)
	if v.OnFailure == config.Quiesce {
		in("quiesce_server = 1")
	}
	if len(v.Flags) > 0 {
		l.note(Lost, about, "flags = %q", v.Flags)
	}
	l.followed(v)
	l.slowly(v)
	if v.Masquerade {
		l.note(Lost, about, "masquerade: the servers need the director as their gateway")
	}
	if v.Forward != l.network {
		l.note(Lost, about, "forward = %q, and Piranha has one for all (%s): the servers of another are written as inactive", v.Forward, l.network)
	}
	for _, s := range v.Servers {
		l.server(v, s, port)
	}
	l.line("}")
}

// sorry notes what Piranha does not know of a sorry server: it has an address alone.
func (l *toLVSCF) sorry(v config.Virtual, s config.Server) {
	about := block("virtual", v.Name) + " " + block("sorry_server", s.Name)
	if port, _ := v.Port(); s.Address.Port() != 0 && s.Address.Port() != port {
		l.note(Lost, about, "its port is %d, and Piranha sends it the virtual's", s.Address.Port())
	}
	if s.Forward != l.network || s.Tunnel != (config.Tunnel{}) {
		l.note(Lost, about, "forward = %q, and Piranha has one for all (%s): %s", s.Forward, l.network, ipvsServer(s))
	}
	if s.Weight != 1 {
		l.note(Lost, about, "weight = %d", s.Weight)
	}
	if s.Check != nil {
		l.note(Lost, about, "its check: %s", checkWords(*s.Check))
	}
}

// slowly notes if a server that comes up gets its weight otherwise than by nanny.
func (l *toLVSCF) slowly(v config.Virtual) {
	every := 10 * time.Second // nanny's own
	if v.Check != nil {
		every = wholeSeconds(v.Check.Every)
	}
	heaviest := 0
	for _, s := range v.Servers {
		heaviest = max(heaviest, s.Weight)
	}
	nanny := nannySlowStart(every, heaviest)
	about := block("virtual", v.Name)
	switch {
	case v.SlowStart == nanny && v.SlowCurve != config.Linear:
	case v.SlowStart != 0:
		l.note(Changed, about, "slow_start = %s, %s: nanny doubles weights from a 32nd, in %s", v.SlowStart, v.SlowCurve, nanny)
	default:
		l.note(Changed, about, "a server that comes up begins with a 32nd of its weight, and has all of it in %s", nanny)
	}
}

// lvsPort is the virtual's port; with a mark the one that is asked.
func lvsPort(v config.Virtual) uint16 {
	switch {
	case len(v.Ports) == 1:
		return v.Ports[0]
	case v.Check != nil && v.Check.Port != 0:
		return v.Check.Port
	default:
		return 80
	}
}

// lvsProtocol is the virtual's protocol; with a mark it says how nanny asks.
func lvsProtocol(v config.Virtual) config.Protocol {
	if v.FWMark != 0 {
		return config.TCP
	}
	return v.Protocol
}

// scheduler is the virtual's, or wlc if Piranha has it not.
func (l *toLVSCF) scheduler(v config.Virtual) string {
	if slices.Contains([]string{"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh"}, v.Scheduler) {
		return v.Scheduler
	}
	l.note(Lost, block("virtual", v.Name), "scheduler = %q is none of Piranha's; wlc is written", v.Scheduler)
	return "wlc"
}

// server writes a server, as inactive if Piranha would use it wrongly.
func (l *toLVSCF) server(v config.Virtual, s config.Server, port uint16) {
	about := block("virtual", v.Name) + " " + block("server", s.Name)
	if !s.Address.Addr().Is4() {
		l.note(Lost, about, "Piranha has no IPv6, so it is left out")
		return
	}
	active := 1
	if s.Forward != l.network {
		active = 0
		l.note(Lost, about, "forward = %q, and Piranha has one for all (%s): it is written as inactive", s.Forward, l.network)
	}
	if s.Weight == 0 {
		active = 0
		l.note(Changed, about, "Piranha would make 1 of weight 0: it is written as inactive")
	}
	if t := s.Tunnel; active == 1 && t != (config.Tunnel{}) {
		active = 0
		l.note(Lost, about, "a tunnel of type %q, and Piranha's are IP in IP: it is written as inactive (%s)", t.Type, ipvsServer(s))
	}
	if s.Upper != 0 {
		l.note(Lost, about, "upper = %d, lower = %d", s.Upper, s.Lower)
	}
	in := func(format string, args ...any) { l.line(lvsInServer+format, args...) }
	l.line("%sserver %s {", lvsInVirtual, s.Name)
	in("address = %s", s.Address.Addr())
	in("active = %d", active)
	if own := s.Address.Port(); own != 0 && own != port {
		in("port = %d", own)
	}
	in("weight = %d", s.Weight)
	l.line("%s}", lvsInVirtual)
}
