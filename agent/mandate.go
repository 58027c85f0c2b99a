package agent

import (
	"net/netip"
	"strings"

	"polso/consensus"
	"polso/director"
	"polso/fsm"
	"polso/vip"
)

// mandate turns a role into what the director may do: today the leader directs every group of the document itself.
func mandate(r consensus.Role, s *fsm.Snapshot) director.Mandate {
	if !r.Leader {
		return director.Mandate{}
	}
	until := vip.Instant(r.Until)
	m := director.Mandate{Epoch: r.Epoch, Groups: map[director.Group]vip.Instant{director.DefaultGroup: until}}
	for _, v := range s.Document.VIPs {
		m.Groups[director.Group(v.Group)] = until
	}
	return m
}

// state is what the director needs of a snapshot.
func state(s *fsm.Snapshot) director.State {
	out := director.State{Known: s.Known && s.Founded(), Revision: s.Revision, Document: s.Document.Served()}
	for _, o := range s.Overrides {
		said := director.Override{Kind: director.OverrideKind(o.Kind), Weight: o.Weight}
		switch what, name, _ := strings.Cut(o.Target, "/"); what {
		case "server":
			said.Virtual, said.Server, _ = strings.Cut(name, "/")
		case "address":
			said.Address, _ = netip.ParseAddr(name) // what is in the state is one
		default: // a router's is the steward's
			continue
		}
		out.Overrides = append(out.Overrides, said)
	}
	for _, l := range s.Leaving {
		out.Leaving = append(out.Leaving, director.Leaving{Virtual: l.Virtual, Server: l.Server})
	}
	return out
}
