package convert

import (
	"math"
	"net/netip"

	"polso/config"
)

// kaServer is a real_server or the sorry_server.
type kaServer struct {
	at      place
	node    *kaNode
	name    string
	about   string    // the path of the first of parts
	parts   []*server // in each of the virtuals; a sorry_server is none
	addr    netip.Addr
	port    uint16 // 0: none is written
	weight  int
	forward config.Forward
	tunnel  config.Tunnel
	upper   int
	lower   int
	quiesce bool
	host    string
	timing  kaTiming
	checks  []kaCheck
	alpha   kaChoice
	alert   kaChoice           // smtp_alert
	scripts map[string]*kaNode // notify_up, notify_down
}

// server reads a real_server.
func (v *kaVirtual) server(n *kaNode) {
	s := &kaServer{
		at: n.at, node: n, weight: v.weight, forward: v.forward, tunnel: v.tunnel, quiesce: v.quiesce, timing: kaNoTiming(),
		scripts: make(map[string]*kaNode),
	}
	if said := s.address(n); said.what != "" {
		n.told = true
		v.k.say(v.about, n.at, said)
		return
	}
	if v.k.enough(len(v.virtuals), n.at) {
		return
	}
	var checkers []*kaNode
	statements := s.timing.statements()
	for word := range v.k.checkers {
		statements[word] = func(n *kaNode) kaSaid { checkers = append(checkers, n); return kaSaid{} }
	}
	statements["weight"] = kaCount(0, kaMostWeight, func(n int) { s.weight = n })
	statements["lvs_method"], statements["lb_kind"] = kaMethod(&s.forward, &s.tunnel), kaMethod(&s.forward, &s.tunnel)
	statements["uthreshold"] = kaCount(0, math.MaxInt32, func(n int) { s.upper = n })
	statements["lthreshold"] = kaCount(0, math.MaxInt32, func(n int) { s.lower = n })
	statements["inhibit_on_failure"] = kaYes(func(yes bool) { s.quiesce = yes })
	statements["virtualhost"] = kaSet(func(value string) { s.host = value })
	statements["snmp_name"] = kaSet(func(value string) { s.name = value })
	statements["alpha"], statements["smtp_alert"] = kaChoose(&s.alpha), v.k.alerting(&s.alert)
	statements["notify_up"], statements["notify_down"] = kaKeep(s.scripts), kaKeep(s.scripts)
	remarks := kaRead(n, statements, v.k.words.server)
	for _, x := range v.virtuals {
		s.parts = append(s.parts, x.server(s.name, n.at))
	}
	s.about = s.parts[0].path
	v.k.tell(s.about, remarks)
	for _, n := range checkers {
		s.checks = append(s.checks, v.checker(s, n))
	}
	v.servers = append(v.servers, s)
}

// address reads the address and the port behind the statement's word.
func (s *kaServer) address(n *kaNode) kaSaid {
	a, err := netip.ParseAddr(n.word(0))
	if err != nil {
		return kaSay(Lost, "%q is not an IP address", n.word(0))
	}
	port, ok := kaPort(n.word(1))
	if !ok {
		return kaSay(Lost, "%q is not a port", n.word(1))
	}
	s.addr, s.port, s.name = a.Unmap(), port, kaName(a.Unmap())
	return kaSaid{}
}

// portFor is the port that the server has for a target: the target's, where a packet is passed on as it came.
func (s *kaServer) portFor(t kaTarget) (port uint16, said kaSaid) {
	switch {
	case s.port == 0, s.port == t.port:
		return t.port, said
	case s.forward == config.NAT:
		return s.port, said
	case t.mark != 0:
		return 0, kaSay(Hint, "%s leaves the port as the packet has it; keepalived passes over %d too", s.forward, s.port)
	default:
		return t.port, kaSay(Changed, "%s leaves the port at %d; keepalived passes over %d too", s.forward, t.port, s.port)
	}
}

// kaKeep remembers a statement by its word; of two the first counts.
func kaKeep(in map[string]*kaNode) func(*kaNode) kaSaid {
	return func(n *kaNode) kaSaid {
		if in[n.words[0]] != nil {
			return kaSay(Lost, "there is another %s above", n.words[0])
		}
		in[n.words[0]] = n
		return kaSaid{}
	}
}

// sorryServer reads sorry_server and what belongs to it.
func (v *kaVirtual) sorryServer(statements []*kaNode) {
	for _, n := range statements {
		said := kaSaid{}
		switch {
		case n.words[0] == "sorry_server":
			s := &kaServer{at: n.at, forward: v.forward, tunnel: v.tunnel}
			if said = s.address(n); said.what == "" {
				v.sorry = s
			}
		case v.sorry == nil:
			said = kaSaid{Lost, "there is no sorry_server above it"}
		case n.words[0] == "sorry_server_inhibit":
			said = kaSaid{Hint, "a sorry server keeps its connections, with weight 0, when the servers are back"}
		default:
			said = kaMethod(&v.sorry.forward, &v.sorry.tunnel)(n)
		}
		v.k.say(v.about, n.at, said)
	}
}
