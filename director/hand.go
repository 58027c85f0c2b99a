package director

import (
	"net/netip"

	"polso/config"
	"polso/health"
)

// An operator's words about one server compose: disabled is stronger than drained, that is stronger than forced up or down, and a weight
// counts as long as neither takes it away. It makes no difference whether a word is about the server or about its address.

// target names a server of a virtual, or with an empty virtual an address.
type target struct{ virtual, server string }

func addressTarget(a netip.Addr) target { return target{server: a.String()} }

// byTarget sorts overrides by what they are about: there may be as many as servers.
func byTarget(list []Override) map[target][]Override {
	out := make(map[target][]Override, len(list))
	for _, o := range list {
		t := target{o.Virtual, o.Server}
		if o.Address.IsValid() {
			t = addressTarget(o.Address)
		}
		out[t] = append(out[t], o)
	}
	return out
}

// wish returns the weight that server s is to have while it is well, as document and overrides say; false if it is disabled.
func wish(in Inputs, v config.Virtual, s config.Server) (weight int, enabled bool) {
	if len(in.overrides) == 0 { // of ten thousand servers none has a word
		return s.Weight, true
	}
	weight, enabled = s.Weight, true
	words := in.overrides[target{v.Name, s.Name}]
	for _, o := range words {
		if o.Kind == SetWeight {
			weight = o.Weight
		}
	}
	for _, list := range [][]Override{words, in.overrides[addressTarget(s.Address.Addr())]} {
		for _, o := range list {
			switch o.Kind {
			case Disable:
				weight, enabled = 0, false
			case Drain:
				weight = 0
			case SetWeight, ForceUp, ForceDown:
			}
		}
	}
	return weight, enabled
}

// forced is the state that an operator gave server s, whatever its check says; false if none did.
func (in Inputs) forced(v config.Virtual, s config.Server) (health.State, bool) {
	for _, o := range in.overrides[target{v.Name, s.Name}] {
		switch o.Kind {
		case ForceUp:
			return health.Up, true
		case ForceDown:
			return health.Down, true
		case Drain, Disable, SetWeight:
		}
	}
	return health.Unknown, false
}
