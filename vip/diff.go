package vip

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// Placed is an address that the kernel carries now on some link other than the loopback device.
type Placed struct {
	Addr      netip.Addr
	Bits      int    // of the prefix it was added with; ours are host addresses: 32 or 128
	Index     int    // of the link
	Link      string // the link's name; an Edge may leave it empty, a Keeper fills it in
	Ours      bool   // carries Polso's mark
	Permanent bool   // has no end of its own
}

// host says whether p is the address alone, without a subnet.
func (p Placed) host() bool { return p.Bits == p.Addr.BitLen() }

// Verb is what an Op does.
type Verb int

// The verbs.
const (
	Remove Verb = iota + 1 // take it off the link
	Add                    // put it on the link
	Refuse                 // do nothing: somebody else's identical address is there
)

// String is the verb in the words of ip(8).
func (v Verb) String() string {
	switch v {
	case Remove:
		return "del"
	case Add:
		return "add"
	case Refuse:
		return "refuse"
	}
	return fmt.Sprintf("verb(%d)", int(v))
}

// Op is one step between what the kernel carries and what it should.
type Op struct {
	Verb Verb
	Addr netip.Addr
	Bits int
	Link string
}

// String is the step as an operator would type it.
func (o Op) String() string {
	if o.Verb == Refuse {
		return fmt.Sprintf("# not ours, left alone: ip addr add %s/%d dev %s", o.Addr, o.Bits, o.Link)
	}
	return fmt.Sprintf("ip addr %s %s/%d dev %s", o.Verb, o.Addr, o.Bits, o.Link)
}

// Diff lists the steps from have to want: first what of ours must go, then what is missing. An address that is not ours
// is never removed, and where one equals a wanted address (on any link, in any subnet) and ours is not there, the step is
// Refuse. The order depends on the arguments' contents only.
func Diff(want []Held, have []Placed) []Op {
	type place struct {
		addr netip.Addr
		link string
	}
	wanted := make(map[place]bool, len(want))
	for _, h := range want {
		wanted[place{h.Addr, h.Link}] = true
	}
	there := make(map[place]bool)
	foreign := make(map[netip.Addr]bool)
	var ops []Op
	for _, p := range have {
		at := place{p.Addr, p.Link}
		switch {
		case !p.Ours:
			foreign[p.Addr] = true
		case wanted[at] && p.host():
			there[at] = true
		default:
			ops = append(ops, Op{Remove, p.Addr, p.Bits, p.Link})
		}
	}
	for at := range wanted {
		op := Op{Add, at.addr, at.addr.BitLen(), at.link}
		if there[at] {
			continue
		}
		if foreign[at.addr] {
			op.Verb = Refuse
		}
		ops = append(ops, op)
	}
	slices.SortFunc(ops, func(a, b Op) int {
		return cmp.Or(cmp.Compare(a.Verb, b.Verb), a.Addr.Compare(b.Addr), cmp.Compare(a.Link, b.Link), cmp.Compare(a.Bits, b.Bits))
	})
	return ops
}
