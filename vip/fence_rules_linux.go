package vip

import (
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Hooks of the arp family (linux/netfilter_arp.h).
const (
	arpIn  nftables.ChainHook = 0
	arpOut nftables.ChainHook = 1
)

// build adds the chains and rules of a table, but for those of single links. In nft's words:
//
//	table inet polso_fence {
//	  chain in  { type filter hook prerouting priority raw;
//	    ip daddr @vips meta protocol != @lease fib daddr type local counter drop … }
//	  chain out { type filter hook postrouting priority 300;
//	    ip saddr @vips meta protocol != @lease fib saddr type local counter drop … } }
//	table arp polso_fence {
//	  chain in  { type filter hook input priority filter;
//	    arp operation request arp daddr ip @vips meta protocol != @lease counter drop }
//	  chain out { type filter hook output priority filter;
//	    arp saddr ip @vips meta protocol != @lease counter drop } }
func (t *fenceTable) build(c *nftables.Conn) {
	switch t.Family {
	case nftables.TableFamilyINet:
		// Before conntrack and IPVS, both of which would take note of what is dropped here. Transit is not meant: a router
		// that has the address no more passes it on.
		in := t.chain(c, "in", nftables.ChainHookPrerouting, nftables.ChainPriorityRaw)
		t.drop(c, in, slices.Concat(family(unix.NFPROTO_IPV4), field(network, 16, 4), among(t.vips)), local(destination))
		t.drop(c, in, slices.Concat(family(unix.NFPROTO_IPV6), field(network, 24, 16), among(t.vips6)), local(destination))
		// A solicitation goes to a multicast address and names the one it asks for inside.
		t.drop(c, in, slices.Concat(neighbour(solicit), among(t.vips6)), nil)
		// What masquerading gives the address as its source; advertisements also before the kernel has made its route, which
		// it does some time after the address is there.
		out := t.chain(c, "out", nftables.ChainHookPostrouting, nftables.ChainPriorityConntrackHelper)
		t.drop(c, out, slices.Concat(family(unix.NFPROTO_IPV4), field(network, 12, 4), among(t.vips)), local(source))
		t.drop(c, out, slices.Concat(family(unix.NFPROTO_IPV6), field(network, 8, 16), among(t.vips6)), local(source))
		t.drop(c, out, slices.Concat(neighbour(advertise), among(t.vips6)), nil)
	case nftables.TableFamilyARP:
		in := t.chain(c, "in", nftables.ChainHookRef(arpIn), nftables.ChainPriorityFilter)
		t.drop(c, in, slices.Concat(is(field(network, 6, 2)[0], 0, 1), field(network, 24, 4), among(t.vips)), nil)
		out := t.chain(c, "out", nftables.ChainHookRef(arpOut), nftables.ChainPriorityFilter)
		t.drop(c, out, slices.Concat(field(network, 14, 4), among(t.vips)), nil)
	case nftables.TableFamilyNetdev: // by link
	}
}

// watch drops what a packet socket sends on a link to claim an address while the gate is shut: it passes no other hook.
func (t *fenceTable) watch(c *nftables.Conn, link string) {
	out := t.egress(c, link)
	c.FlushChain(out)
	t.drop(c, out, slices.Concat(is(&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: 1}, etherARP...), field(network, 14, 4), among(t.vips)), nil)
}

func (t *fenceTable) egress(c *nftables.Conn, link string) *nftables.Chain {
	return c.AddChain(&nftables.Chain{
		Name: "out-" + link, Table: t.Table, Type: nftables.ChainTypeFilter, Device: link,
		Hooknum: nftables.ChainHookEgress, Priority: nftables.ChainPriorityFilter,
	})
}

func (t *fenceTable) chain(c *nftables.Conn, name string, hook *nftables.ChainHook, priority *nftables.ChainPriority) *nftables.Chain {
	return c.AddChain(&nftables.Chain{Name: name, Table: t.Table, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: priority})
}

// drop adds a rule: what matches while the gate is shut for its protocol is counted and dropped, provided that the rest
// matches too.
func (t *fenceTable) drop(c *nftables.Conn, chain *nftables.Chain, match, provided []expr.Any) {
	shut := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: 1},
		&expr.Lookup{SourceRegister: 1, SetName: t.lease.Name, SetID: t.lease.ID, Invert: true},
	}
	c.AddRule(&nftables.Rule{
		Table: t.Table, Chain: chain,
		Exprs: slices.Concat(match, shut, provided, []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop}}),
	})
}

const (
	network   = expr.PayloadBaseNetworkHeader
	transport = expr.PayloadBaseTransportHeader
)

// field loads bytes of a packet into register 1.
func field(base expr.PayloadBase, offset, length uint32) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: length}}
}

// is goes on if what load has put into register 1 is that value.
func is(load expr.Any, value ...byte) []expr.Any {
	return []expr.Any{load, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value}}
}

// among goes on if register 1 is in the set.
func among(s *nftables.Set) []expr.Any {
	return []expr.Any{&expr.Lookup{SourceRegister: 1, SetName: s.Name, SetID: s.ID}}
}

func family(nfproto byte) []expr.Any {
	return is(&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, nfproto)
}

// Types of neighbour discovery messages, whose target address stands at the same place (RFC 4861 sections 4.3 and 4.4).
const (
	solicit   = 135
	advertise = 136
)

// neighbour loads the target of a neighbour discovery message of that type.
func neighbour(kind byte) []expr.Any {
	return slices.Concat(family(unix.NFPROTO_IPV6), is(&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, unix.IPPROTO_ICMPV6),
		is(field(transport, 0, 1)[0], kind), field(transport, 8, 16))
}

// end is one of the two addresses of a packet.
type end int

const (
	source end = iota
	destination
)

// local goes on if that address is one of this machine's.
func local(e end) []expr.Any {
	const rtnLocal = 2 // linux/rtnetlink.h, RTN_LOCAL
	return is(&expr.Fib{Register: 1, ResultADDRTYPE: true, FlagSADDR: e == source, FlagDADDR: e == destination},
		binaryutil.NativeEndian.PutUint32(rtnLocal)...)
}
