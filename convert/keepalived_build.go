package convert

import (
	"cmp"
	"net/netip"
	"slices"

	"polso/config"
)

// build fills in the virtuals.
func (v *kaVirtual) build(check *config.Check) {
	quiesce, least := v.onFailure(), v.least()
	for i, t := range v.targets {
		x := v.virtuals[i]
		if t.mark != 0 {
			x.FWMark, x.Family = t.mark, cmp.Or(t.family, v.family)
		} else {
			x.Address, x.Ports, x.Protocol = t.addr, []uint16{t.port}, v.protocol
			x.Interface = v.home(t.addr)
		}
		x.Scheduler, x.Flags, x.Forward, x.Tunnel = v.scheduler, v.flagsOf(t), v.forward, v.tunnel
		x.OnFailure, x.MinServers = quiesce, least
		if least > 1 {
			v.k.b.at(x.path+" min_servers", v.node.statement("quorum").at)
		}
		if v.persistent != nil {
			p := *v.persistent
			x.Persistent = &p
			if p.Engine != "" {
				v.k.b.at(x.path+" persistent engine", v.node.statement("persistence_engine").at)
			}
		}
		for _, s := range v.servers {
			port, said := s.portFor(t)
			v.k.say(s.about, s.at, said)
			x := s.parts[i]
			x.Address, x.Weight, x.Forward, x.Tunnel = netip.AddrPortFrom(s.addr, port), s.weight, s.forward, s.tunnel
			x.Upper, x.Lower = s.upper, s.lower
		}
		x.Check = v.probe(check, t)
		if v.sorry != nil {
			port, said := v.sorry.portFor(t)
			v.k.say(v.about, v.sorry.at, said)
			x.Sorry = []config.Server{config.SorryServer(netip.AddrPortFrom(v.sorry.addr, port))}
			v.k.b.at(x.path+" sorry_server", v.sorry.at)
		}
	}
}

// home is the link that an address lives on.
func (v *kaVirtual) home(a netip.Addr) string {
	h := v.k.homes[a]
	if h == nil {
		v.k.say(v.about, v.node.at, kaSaid{Changed, "no vrrp_instance has its address; Polso's director holds it, so nobody else may"})
		return ""
	}
	h.served = true
	return h.link
}

// onFailure is what most servers have.
func (v *kaVirtual) onFailure() config.OnFailure {
	quiesced := 0
	for _, s := range v.servers {
		if s.quiesce {
			quiesced++
		}
	}
	most := quiesced*2 > len(v.servers)
	answer := map[bool]config.OnFailure{true: config.Quiesce, false: config.Remove}
	for _, s := range v.servers {
		if s.quiesce != most {
			v.k.say(v.about, s.at, kaSay(Changed, "on_failure is the virtual's, and most servers have %q", answer[most]))
		}
	}
	return answer[most]
}

// least is how many servers the quorum needs. keepalived counts their weights.
func (v *kaVirtual) least() int {
	if v.quorum == 1 || len(v.servers) == 0 {
		return 1
	}
	at := v.node.statement("quorum").at
	var weights []int
	for _, s := range v.servers {
		weights = append(weights, s.weight)
	}
	slices.Sort(weights)
	sum, n := 0, 0
	for sum < v.quorum && n < len(weights) {
		n++
		sum += weights[len(weights)-n]
	}
	switch {
	case sum < v.quorum:
		v.k.say(v.about, at, kaSay(Changed, "all servers together weigh %d; keepalived takes that too", sum))
	case weights[0] != weights[len(weights)-1]:
		v.k.say(v.about, at, kaSay(Changed, "min_servers counts servers, not their weight: %d", n))
	}
	return max(n, 1)
}

// probe is the check as the servers' ports want it for a target. keepalived asks the port that is written, whatever the packets
// have; a check asks the server's, unless it names another.
func (v *kaVirtual) probe(check *config.Check, t kaTarget) *config.Check {
	if check == nil {
		return nil
	}
	c := *check
	c.Status = slices.Clone(check.Status)
	if c.Port != 0 {
		return &c
	}
	ports := make(map[uint16]int)
	own := t.mark == 0 && (c.Kind == config.CheckTCP || v.protocol == config.TCP)
	for _, s := range v.servers {
		port, _ := s.portFor(t)
		ports[cmp.Or(s.port, port)]++
		own = own && port != 0 && cmp.Or(s.port, port) == port
	}
	if own {
		return &c
	}
	for port, n := range ports {
		if n > ports[c.Port] || n == ports[c.Port] && port < c.Port {
			c.Port = port
		}
	}
	if c.Port == 0 {
		v.k.say(v.about, v.node.at, kaSaid{Lost, "no check: there is no port to ask"})
		return nil
	}
	if len(ports) > 1 {
		v.k.say(v.about, v.node.at, kaSay(Changed, "every server is asked at port %d", c.Port))
	}
	return &c
}
