package convert

import (
	"cmp"
	"net/netip"
	"slices"

	"polso/config"
)

// build fills in the virtuals.
func (v *kaVirtual) build() {
	quiesce := v.onFailure()
	least, spare := v.least()
	for i, t := range v.targets {
		x := v.virtuals[i]
		if t.mark != 0 {
			x.FWMark, x.Family = t.mark, cmp.Or(t.family, v.family)
		} else {
			x.Address, x.Ports, x.Protocol = t.addr, []uint16{t.port}, v.protocol
			x.Interface = v.home(t.addr)
		}
		x.Scheduler, x.Flags, x.Forward, x.Tunnel = v.scheduler, v.flagsOf(t), v.forward, v.tunnel
		x.OnFailure, x.MinServers, x.Hysteresis = quiesce, least, spare
		for word, name := range map[string]string{"quorum": " min_servers", "hysteresis": " hysteresis"} {
			if n := v.node.statement(word); n != nil {
				v.k.b.at(x.path+name, n.at)
			}
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
		v.checks(i)
		if v.sorry != nil {
			port, said := v.sorry.portFor(t)
			v.k.say(v.about, v.sorry.at, said)
			sorry := config.SorryServer(netip.AddrPortFrom(v.sorry.addr, port))
			sorry.Forward, sorry.Tunnel = v.sorry.forward, v.sorry.tunnel
			x.Sorry = []config.Server{sorry}
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

// least is how many servers the quorum needs to stay, and how many more to come back. keepalived counts their weights.
func (v *kaVirtual) least() (servers, spare int) {
	if len(v.servers) == 0 || v.quorum == 1 && v.hysteresis == 0 {
		return 1, 0
	}
	hysteresis := v.hysteresis
	if hysteresis >= v.quorum {
		hysteresis = v.quorum - 1
		v.k.say(v.about, v.node.statement("hysteresis").at, kaSay(Changed, "it has to be less than the quorum: %d, as keepalived has it", hysteresis))
	}
	servers = v.weighing(v.quorum - hysteresis)
	spare = v.weighing(v.quorum+hysteresis) - servers
	if n := v.node.statement("quorum"); n != nil {
		v.k.say(v.about, n.at, v.counted(servers))
	}
	if hysteresis > 0 && spare == 0 {
		v.k.say(v.about, v.node.statement("hysteresis").at, kaSaid{Changed, "it makes no difference of a whole server"})
	}
	return servers, spare
}

// weighing is how many servers have a weight together, the heaviest first; all, if they do not.
func (v *kaVirtual) weighing(weight int) int {
	sum, n := 0, 0
	for _, w := range v.weights() {
		if sum >= weight {
			break
		}
		sum, n = sum+w, n+1
	}
	return max(n, 1)
}

// weights are those of the servers, the heaviest first.
func (v *kaVirtual) weights() []int {
	var weights []int
	for _, s := range v.servers {
		weights = append(weights, s.weight)
	}
	slices.Sort(weights)
	slices.Reverse(weights)
	return weights
}

// counted says what becomes of a quorum that is of so many servers here.
func (v *kaVirtual) counted(servers int) kaSaid {
	weights, sum := v.weights(), 0
	for _, w := range weights {
		sum += w
	}
	switch {
	case sum < v.quorum:
		return kaSay(Changed, "all servers together weigh %d; keepalived takes that too", sum)
	case weights[0] != weights[len(weights)-1]:
		return kaSay(Changed, "min_servers counts servers, not their weight: %d", servers)
	}
	return kaSaid{}
}
