package api

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"polso/config"
	"polso/fsm"
)

// subject is what an override is about.
type subject struct {
	target  string
	address netip.Addr // valid: whatever is there
	servers []ofVirtual
}

// ofVirtual is a server of a virtual.
type ofVirtual struct {
	virtual config.Virtual
	server  config.Server
}

func (o ofVirtual) String() string { return o.virtual.Name + "/" + o.server.Name }

// subjectOf reads a target and finds its servers in the running document.
func subjectOf(snap *fsm.Snapshot, target string) (subject, error) {
	kind, name, _ := strings.Cut(target, "/")
	switch kind {
	case "server":
		virtual, server, _ := strings.Cut(name, "/")
		return serverSubject(snap, virtual, server)
	case "address":
		addr, err := netip.ParseAddr(name)
		if err != nil {
			return subject{}, Errorf(CodeInvalid, "%q is not an address", name).WithHint("name it as the document does, without a port: 10.0.0.11")
		}
		return addressSubject(snap, addr.Unmap().WithZone(""))
	case "router":
		return subject{}, Errorf(CodeInvalid, "a router is drained in other words").WithHint("polso drain router %s", name)
	default:
		return subject{}, Errorf(CodeInvalid, "%q names no server", target).WithHint("server/VIRTUAL/SERVER, or address/ADDRESS")
	}
}

func serverSubject(snap *fsm.Snapshot, virtual, server string) (subject, error) {
	i := slices.IndexFunc(snap.Document.Virtuals, func(v config.Virtual) bool { return v.Name == virtual })
	if i < 0 {
		return subject{}, Errorf(CodeNotFound, "virtual %q is not there", virtual).WithHint("polso get virtuals lists what is")
	}
	v := snap.Document.Virtuals[i]
	j := slices.IndexFunc(v.Servers, func(s config.Server) bool { return s.Name == server })
	if j < 0 {
		return subject{}, Errorf(CodeNotFound, "virtual %q has no server %q", virtual, server).WithHint("polso get servers %s lists them", virtual)
	}
	return subject{target: fsm.ServerTarget(virtual, server), servers: []ofVirtual{{v, v.Servers[j]}}}, nil
}

func addressSubject(snap *fsm.Snapshot, addr netip.Addr) (subject, error) {
	out := subject{target: fsm.AddressTarget(addr), address: addr}
	for _, v := range snap.Document.Virtuals {
		for _, s := range slices.Concat(v.Servers, v.Sorry) {
			if s.Address.Addr() == addr {
				out.servers = append(out.servers, ofVirtual{v, s})
			}
		}
	}
	if len(out.servers) == 0 {
		return out, Errorf(CodeNotFound, "no server has the address %s", addr).WithHint("polso get servers lists them")
	}
	return out, nil
}

// whole tells whether it is about whatever is at an address.
func (s subject) whole() bool { return s.address.IsValid() }

// String begins a sentence.
func (s subject) String() string {
	if !s.whole() {
		return "Server " + s.servers[0].String()
	}
	names := make([]string, len(s.servers))
	for i, o := range s.servers {
		names[i] = o.String()
	}
	return fmt.Sprintf("%s (%s)", s.address, strings.Join(names, ", "))
}

// undo is the command that takes a word back.
func (s subject) undo(about string) string {
	switch {
	case s.whole():
		return "polso maintain " + s.address.String() + " --end"
	case about == fsm.AboutWeight:
		return "polso weight " + s.servers[0].String() + " --reset"
	case about == fsm.AboutHealth:
		return "polso force off " + s.servers[0].String()
	default:
		return "polso enable server " + s.servers[0].String()
	}
}

// said are the words that are left about it, those about its address too.
func (s subject) said(snap *fsm.Snapshot) []string {
	list := snap.OverridesOf(s.target)
	if !s.whole() {
		list = slices.Concat(list, snap.OverridesOf(fsm.AddressTarget(s.servers[0].server.Address.Addr())))
	}
	var out []string
	for _, o := range list {
		word := map[string]string{fsm.Drain: "drained", fsm.Disable: "disabled", fsm.Weight: fmt.Sprintf("of weight %d", o.Weight), fsm.Up: "forced up", fsm.Down: "forced down"}[o.Kind]
		if o.Target != s.target {
			word += " with all of " + strings.TrimPrefix(o.Target, "address/")
		}
		out = append(out, word)
	}
	return out
}

// nothingSaid says why there is nothing to take back.
func (s subject) nothingSaid(snap *fsm.Snapshot, about string) error {
	what := map[string]string{fsm.AboutTraffic: "neither drained nor disabled", fsm.AboutWeight: "of the weight that the document gives", fsm.AboutHealth: "not forced"}[about]
	if what == "" {
		what = "as the document says"
	}
	e := Errorf(CodeNotFound, "%s is %s", s, what)
	if left := s.said(snap); len(left) > 0 {
		return e.WithDetail("it is %s", strings.Join(left, ", ")).WithHint("polso get overrides")
	}
	return e.WithHint("polso get overrides lists what is")
}

// nobodyServes warns of the virtuals whose servers operators have all taken away. That is allowed, and may not be meant.
func (s subject) nobodyServes(snap *fsm.Snapshot) []string {
	var out []string
	warned := make(map[string]bool)
	for _, o := range s.servers {
		if v := o.virtual; !warned[v.Name] && !slices.ContainsFunc(v.Servers, func(s config.Server) bool { return takes(snap, v, s) }) {
			warned[v.Name] = true
			out = append(out, fmt.Sprintf("virtual %s has no server left that takes new connections", v.Name))
		}
	}
	return out
}

// takes tells whether a server takes new connections while its check is well, as document and operators say.
func takes(snap *fsm.Snapshot, v config.Virtual, s config.Server) bool {
	weight := s.Weight
	for _, o := range slices.Concat(snap.OverridesOf(fsm.ServerTarget(v.Name, s.Name)), snap.OverridesOf(fsm.AddressTarget(s.Address.Addr()))) {
		switch o.Kind {
		case fsm.Weight:
			weight = o.Weight
		case fsm.Drain, fsm.Disable, fsm.Down:
			return false
		}
	}
	return weight > 0
}
