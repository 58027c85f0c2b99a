package director

import (
	"net/netip"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

// past is what was made of the virtuals of one document when they were decided about last, of those that are plain: they go by nothing
// but the document and what is known of their servers. As long as that is the same so is what was made of them, and it is not made
// anew: a pass takes as long as what has changed, not as long as the table is large. It belongs to one caller of Decide, who gives
// it to each, and changes no decision.
type past struct {
	virtuals []config.Virtual // the document's, which never change
	of       []*made          // by place in it; nil: nothing that could be used again
}

// made is what was made of one virtual. It never changes, but that its service comes after its roster.
type made struct {
	heard  []heard // of its servers; nil: none is checked
	down   bool    // what its pool was before
	roster roster

	table    bool // what follows is there
	service  ipvs.Service
	problems []Problem
}

// heard is what of a server's verdict counts once it is decided.
type heard struct {
	state  health.State
	advice health.Advice
}

// begin readies p for a document: of another one nothing is known.
func (p *past) begin(doc config.Document) {
	if p != nil && !same(p.virtuals, doc.Virtuals) {
		p.virtuals, p.of = doc.Virtuals, make([]*made, len(doc.Virtuals))
	}
}

// known returns what was made of virtual i, if it would be made of it again.
func (p *past) known(in Inputs, i int, key ipvs.Key) *made {
	if p == nil || p.of[i] == nil || !in.plain(i, key) {
		return nil
	}
	m := p.of[i]
	if m.down != in.Pools[key].Down {
		return nil
	}
	if m.heard != nil {
		for j := range in.State.Document.Virtuals[i].Servers {
			if h, decided := in.heard(i, j); !decided || h != m.heard[j] {
				return nil
			}
		}
	}
	return m
}

// keep notes what was made of virtual i, if that can be used again.
func (p *past) keep(in Inputs, i int, key ipvs.Key, r roster) {
	if p == nil {
		return
	}
	p.of[i] = nil
	if !in.plain(i, key) {
		return
	}
	v, m := in.State.Document.Virtuals[i], &made{down: in.Pools[key].Down, roster: r}
	if checked(v) {
		m.heard = make([]heard, len(v.Servers))
		for j := range v.Servers {
			h, decided := in.heard(i, j)
			if !decided {
				return
			}
			m.heard[j] = h
		}
	}
	p.of[i] = m
}

// plain tells whether what is made of virtual i goes by nothing but the document, its pool's state before, and its servers' verdicts:
// not by time, nor by what the kernel has, nor by an operator's word or what leaves.
func (in Inputs) plain(i int, key ipvs.Key) bool {
	v := &in.State.Document.Virtuals[i]
	if v.SlowStart > 0 || v.Panic > 0 || len(v.Sorry) > 0 || in.spoken.virtuals[v.Name] || len(in.drains[key]) > 0 {
		return false
	}
	if len(in.spoken.addresses) > 0 {
		for j := range v.Servers {
			if in.spoken.addresses[v.Servers[j].Address.Addr()] {
				return false
			}
		}
	}
	return true
}

// heard returns what counts of the verdict on server j of virtual i; false while the kernel's own has a say in what follows.
func (in Inputs) heard(i, j int) (heard, bool) {
	v := &in.State.Document.Virtuals[i]
	if v.Check == nil && v.Servers[j].Check == nil {
		return heard{state: health.Up}, true
	}
	st := in.Health[in.asked.of[i][j].key]
	return heard{st.State, st.Advice}, st.State == health.Up || st.State == health.Down && !st.Assumed
}

// spoken is of whom operators have said something.
type spoken struct {
	virtuals  map[string]bool
	addresses map[netip.Addr]bool
}

func spokenOf(list []Override) spoken {
	s := spoken{make(map[string]bool), make(map[netip.Addr]bool)}
	for _, o := range list {
		if o.Address.IsValid() {
			s.addresses[o.Address] = true
		} else {
			s.virtuals[o.Virtual] = true
		}
	}
	return s
}
