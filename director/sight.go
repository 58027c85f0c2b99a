package director

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"polso/config"
	"polso/health"
)

// Sight is what one router sees of the servers that it probes, for other routers. It stays small with thousands of servers: all
// of them are counted, and only those that are not up are named, up to a bound.
type Sight struct {
	Virtuals []Seen    `json:"virtuals,omitempty"`
	Sorry    []uint64  `json:"sorry,omitempty"` // what is asked of sorry servers, as in Seen, which they do not count in
	NotUp    []Verdict `json:"not_up,omitempty"`
	Cut      bool      `json:"cut,omitempty"` // more are not up than are named
}

// Seen counts the servers of one virtual. Asks tells what is asked of whom: with the same one, two routers mean the same.
type Seen struct {
	Virtual string `json:"virtual"`
	Asks    uint64 `json:"asks"`
	Up      int    `json:"up,omitempty"`
	Down    int    `json:"down,omitempty"`
	Unknown int    `json:"unknown,omitempty"`
}

// Verdict is what a router says of one server. The zero value: nothing.
type Verdict struct {
	Target uint64       `json:"target"` // a hash of health.Target's key
	State  health.State `json:"state"`
	Reason string       `json:"reason,omitempty"`
}

// The bounds of a Sight.
const (
	mostVerdicts  = 256
	longestReason = 160 // bytes
)

// SightOf sums up a view of the document's servers and sorry servers. It leaves out what this router does not probe.
func SightOf(doc config.Document, view health.View) Sight {
	if len(view) == 0 { // nothing is probed, of however many servers
		return Sight{}
	}
	s := summary{view: view, named: make(map[uint64]bool)}
	for _, v := range doc.Virtuals {
		if seen, probed := s.of(v); probed {
			s.Virtuals = append(s.Virtuals, seen)
		}
		if seen, probed := s.of(sorryOf(v)); probed {
			s.Sorry = append(s.Sorry, seen.Asks)
		}
	}
	return s.Sight
}

// summary is a Sight in the making.
type summary struct {
	Sight
	view  health.View
	named map[uint64]bool
}

// of counts v's servers and names those that are not up; false if none is probed.
func (s *summary) of(v config.Virtual) (seen Seen, probed bool) {
	targets := targetsOf(v)
	if !slices.ContainsFunc(targets, func(key health.Key) bool { _, probed := s.view[key]; return probed }) {
		return Seen{}, false
	}
	seen = Seen{Virtual: v.Name, Asks: asks(targets)}
	for _, key := range targets {
		st := s.view[key]
		if st.Assumed && st.State == health.Down { // what is assumed is nothing to tell against a server
			st.State = health.Unknown
		}
		switch st.State {
		case health.Up:
			seen.Up++
			continue
		case health.Down:
			seen.Down++
		case health.Unknown:
			seen.Unknown++
		}
		id := hash(key)
		switch {
		case s.named[id]: // another virtual asks the same
		case len(s.NotUp) == mostVerdicts:
			s.Cut = true
		default:
			s.named[id] = true
			s.NotUp = append(s.NotUp, Verdict{id, st.State, st.Reason[:min(len(st.Reason), longestReason)]})
		}
	}
	return seen, true
}

// Sights are those of several routers, to be asked about one virtual after the other.
type Sights []sightIndex

type sightIndex struct {
	asks  map[uint64]bool
	notUp map[uint64]Verdict
	cut   bool
}

// NewSights makes sights ready to be asked.
func NewSights(list ...Sight) Sights {
	out := make(Sights, len(list))
	for i, s := range list {
		x := sightIndex{asks: make(map[uint64]bool, len(s.Virtuals)), notUp: make(map[uint64]Verdict, len(s.NotUp)), cut: s.Cut}
		for _, v := range s.Virtuals {
			x.asks[v.Asks] = true
		}
		for _, question := range s.Sorry {
			x.asks[question] = true
		}
		for _, v := range s.NotUp {
			x.notUp[v.Target] = v
		}
		out[i] = x
	}
	return out
}

// Of returns what each router says of each of v's servers that has a check, by the server's name, in the routers' order. Who asks
// something else, as one that follows another document does, says nothing.
func (s Sights) Of(v config.Virtual) map[string][]Verdict {
	targets := targetsOf(v)
	question := asks(targets)
	out := make(map[string][]Verdict, len(targets))
	for _, server := range v.Servers {
		t, ok := TargetOf(v, server)
		if !ok {
			continue
		}
		id := hash(t.Key())
		for _, router := range s {
			out[server.Name] = append(out[server.Name], router.verdict(question, id))
		}
	}
	return out
}

func (x sightIndex) verdict(question, target uint64) Verdict {
	if !x.asks[question] {
		return Verdict{}
	}
	if v, named := x.notUp[target]; named || x.cut {
		return v
	}
	return Verdict{Target: target, State: health.Up}
}

// targetsOf are the keys of what is asked of v's servers, in their order.
func targetsOf(v config.Virtual) []health.Key {
	var out []health.Key
	for _, s := range v.Servers {
		if t, ok := TargetOf(v, s); ok {
			out = append(out, t.Key())
		}
	}
	return out
}

// asks tells questions apart: which servers are asked, and what.
func asks(targets []health.Key) uint64 {
	h := fnv.New64a()
	for _, key := range targets {
		_ = binary.Write(h, binary.BigEndian, hash(key)) // a hash takes everything
	}
	return h.Sum64()
}

func hash(key health.Key) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return h.Sum64()
}
