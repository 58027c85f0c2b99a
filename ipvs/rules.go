package ipvs

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Rules are what a table needs of the kernel's packet filter: the elements of nftables' tables inet polso_marks and inet
// polso_masquerade. The zero value is none, and the order carries no meaning.
type Rules struct {
	Marks       []Mark
	Masquerades []Masquerade
	// Damaged names tables of ours ("inet polso_marks"), as read, that are not known to do what their elements say: they have to be made anew.
	Damaged []string
}

// The names of nftables' tables. One that has no elements is not there: the second has the kernel track every connection.
const (
	marksName      = "polso_marks"
	masqueradeName = "polso_masquerade"
)

// Ports are ports in a row, From to To, both among them.
type Ports struct{ From, To uint16 }

// String returns "80" or "8000-8100".
func (p Ports) String() string {
	if p.From == p.To {
		return fmt.Sprint(p.From)
	}
	return fmt.Sprintf("%d-%d", p.From, p.To)
}

// Mark gives packets to an address a firewall mark, those from the network and those of this machine itself, before IPVS
// looks at them.
type Mark struct {
	Addr     netip.Addr
	Protocol Protocol
	Ports    Ports
	FWMark   uint32
}

// String returns the mark as an element of nft's map: "192.0.2.10 . tcp . 8000-8100 : 0x50000001".
func (m Mark) String() string {
	return fmt.Sprintf("%s . %s . %s : %#08x", m.Addr, m.Protocol, m.Ports, m.FWMark)
}

// Masquerade gives the connections whose packets have a mark, and that IPVS sends on to a server by NAT, an address of this
// router for their source.
type Masquerade struct {
	FWMark uint32
	Server netip.Addr
}

// String returns the masquerade as an element of nft's set: "0x50000001 . 10.0.0.1".
func (m Masquerade) String() string { return fmt.Sprintf("%#08x . %s", m.FWMark, m.Server) }

// RuleOp is one step of a plan for rules.
type RuleOp string

// String returns the step as arguments of nft: "add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 80 : 0x50000001 }".
func (o RuleOp) String() string { return string(o) }

// Canonical returns a copy of the rules in the one form in which equal ones are deeply equal: sorted, none twice.
func (r Rules) Canonical() Rules {
	return Rules{once(r.Marks, Mark.compare), once(r.Masquerades, Masquerade.compare), once(r.Damaged, strings.Compare)}
}

func once[T comparable](list []T, compare func(a, b T) int) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Compact(slices.SortedFunc(slices.Values(list), compare))
}

// Empty tells whether there are none.
func (r Rules) Empty() bool { return len(r.Marks) == 0 && len(r.Masquerades) == 0 }

// Over returns the rules, and of those that were there before what does not contradict them: what a table needs while its
// services change from one to the other.
func (r Rules) Over(before Rules) Rules {
	out := Rules{Marks: slices.Clone(r.Marks), Masquerades: slices.Concat(r.Masquerades, before.Masquerades)}
	for _, m := range before.Marks {
		if !slices.ContainsFunc(r.Marks, m.overlaps) {
			out.Marks = append(out.Marks, m)
		}
	}
	return out.Canonical()
}

func (m Mark) overlaps(o Mark) bool {
	return m.Addr == o.Addr && m.Protocol == o.Protocol && m.Ports.From <= o.Ports.To && o.Ports.From <= m.Ports.To
}

// PlanRules returns the steps that make have into want, in the order in which they are done, as one transaction: what goes
// makes room for what comes. It is pure.
func PlanRules(want, have Rules) []RuleOp {
	want, have = want.Canonical(), have.Canonical()
	var ops []RuleOp
	for _, name := range have.Damaged {
		ops = append(ops, RuleOp("delete table "+name))
	}
	return slices.Concat(ops,
		elementOps("delete", missing(have.Marks, want.Marks)), elementOps("delete", missing(have.Masquerades, want.Masquerades)),
		elementOps("add", missing(want.Marks, have.Marks)), elementOps("add", missing(want.Masquerades, have.Masquerades)))
}

// missing returns what of list is not in other.
func missing[T comparable](list, other []T) []T {
	known := make(map[T]bool, len(other))
	for _, e := range other {
		known[e] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(e T) bool { return known[e] })
}

func elementOps[T interface {
	set() string
	fmt.Stringer
}](verb string, list []T) []RuleOp {
	var out []RuleOp
	for _, e := range list {
		out = append(out, RuleOp(fmt.Sprintf("%s element %s { %s }", verb, e.set(), e)))
	}
	return out
}

// set is where the element stands, in nft's words.
func (m Mark) set() string { return "inet " + marksName + " " + FamilyOf(m.Addr).String() }

// set is the same.
func (m Masquerade) set() string { return "inet " + masqueradeName + " " + FamilyOf(m.Server).String() }

func (m Mark) compare(o Mark) int {
	return cmp.Or(m.Addr.Compare(o.Addr), cmp.Compare(m.Protocol, o.Protocol), m.Ports.compare(o.Ports), cmp.Compare(m.FWMark, o.FWMark))
}

func (m Masquerade) compare(o Masquerade) int {
	return cmp.Or(cmp.Compare(m.FWMark, o.FWMark), m.Server.Compare(o.Server))
}

func (p Ports) compare(o Ports) int {
	return cmp.Or(cmp.Compare(p.From, o.From), cmp.Compare(p.To, o.To))
}
