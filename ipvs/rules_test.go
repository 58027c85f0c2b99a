package ipvs_test

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"polso/ipvs"
)

func drawRules(t *rapid.T, label string) ipvs.Rules {
	var r ipvs.Rules
	for range rapid.IntRange(0, 4).Draw(t, label) {
		from := rapid.Uint16Range(1, 6).Draw(t, "from")
		m := ipvs.Mark{
			Addr:     netip.AddrFrom4([4]byte{192, 0, 2, rapid.ByteRange(1, 2).Draw(t, "address")}),
			Protocol: ipvs.TCP, Ports: ipvs.Ports{From: from, To: rapid.Uint16Range(from, 6).Draw(t, "to")},
			FWMark: rapid.Uint32Range(1, 3).Draw(t, "mark"),
		}
		r.Marks = append(r.Marks, m)
		r = ipvs.Rules{Marks: []ipvs.Mark{m}}.Over(r) // no two overlap, as nftables wants it
		r.Masquerades = append(r.Masquerades, ipvs.Masquerade{FWMark: m.FWMark, Server: m.Addr})
	}
	return r.Canonical()
}

// What is done between one set of rules and another gives every port that is wanted its mark, contradicts nothing, and leaves
// to those that were there what nobody else wants.
func TestRulesOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, before := drawRules(t, "want"), drawRules(t, "before")
		over := want.Over(before)
		marks := func(r ipvs.Rules) map[netip.AddrPort]uint32 {
			out := make(map[netip.AddrPort]uint32)
			for _, m := range r.Marks {
				for p := m.Ports.From; p <= m.Ports.To; p++ {
					at := netip.AddrPortFrom(m.Addr, p)
					if _, twice := out[at]; twice {
						t.Fatalf("%s is marked twice by %v", at, r.Marks)
					}
					out[at] = m.FWMark
				}
			}
			return out
		}
		got, wanted := marks(over), marks(want)
		for at, mark := range wanted {
			if got[at] != mark {
				t.Errorf("%s has mark %d, want %d", at, got[at], mark)
			}
		}
		for _, m := range before.Marks {
			alone := true
			for p := m.Ports.From; p <= m.Ports.To; p++ {
				_, taken := wanted[netip.AddrPortFrom(m.Addr, p)]
				alone = alone && !taken
			}
			if at := netip.AddrPortFrom(m.Addr, m.Ports.From); alone && got[at] != m.FWMark {
				t.Errorf("%s lost its mark", m)
			}
		}
		if len(ipvs.PlanRules(want, want)) > 0 || len(ipvs.PlanRules(over, over)) > 0 {
			t.Error("what is as wanted takes steps")
		}
		if (len(ipvs.PlanRules(want, before)) == 0) != (len(ipvs.PlanRules(before, want)) == 0) {
			t.Error("equality is one-sided")
		}
	})
}
