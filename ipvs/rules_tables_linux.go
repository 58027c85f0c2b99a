package ipvs

import (
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// ruleTable is one of the tables: the sets of its elements, and what looks them up. In nft's words:
//
//	table inet polso_marks {
//	  map ipv4 { type ipv4_addr . inet_proto . inet_service : mark; flags interval }
//	  map ipv6 { type ipv6_addr . inet_proto . inet_service : mark; flags interval }
//	  chain in  { type filter hook prerouting priority mangle;
//	    meta nfproto ipv4 meta mark set ip daddr . meta l4proto . th dport map @ipv4
//	    meta nfproto ipv6 meta mark set ip6 daddr . meta l4proto . th dport map @ipv6 }
//	  chain out { type filter hook output priority mangle; … the same } }
//	table inet polso_masquerade {
//	  set ipv4 { type mark . ipv4_addr; flags interval }
//	  set ipv6 { type mark . ipv6_addr; flags interval }
//	  chain out { type nat hook postrouting priority srcnat;
//	    meta nfproto ipv4 meta mark . ip daddr @ipv4 masquerade
//	    meta nfproto ipv6 meta mark . ip6 daddr @ipv6 masquerade } }
//
// What has the mark and goes to a server that IPVS sends on to has been sent on by it: till then it goes to the virtual
// address.
type ruleTable struct {
	*nftables.Table
	words  string // its family and name
	sets   map[Family]*nftables.Set
	chains []*nftables.Chain
	rule   func(s *nftables.Set, f Family) []expr.Any
}

// ruleTables are both.
func ruleTables() []*ruleTable {
	marks := newRuleTable(marksName, markRule,
		&nftables.Chain{Name: "in", Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityMangle},
		&nftables.Chain{Name: "out", Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityMangle})
	masquerade := newRuleTable(masqueradeName, masqueradeRule,
		&nftables.Chain{Name: "out", Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource})
	for f, addr := range map[Family]nftables.SetDatatype{IPv4: nftables.TypeIPAddr, IPv6: nftables.TypeIP6Addr} {
		s := marks.sets[f]
		s.IsMap, s.DataType = true, nftables.TypeMark
		s.KeyType = nftables.MustConcatSetType(addr, nftables.TypeInetProto, nftables.TypeInetService)
		masquerade.sets[f].KeyType = nftables.MustConcatSetType(nftables.TypeMark, addr)
	}
	return []*ruleTable{marks, masquerade}
}

func newRuleTable(name string, rule func(*nftables.Set, Family) []expr.Any, chains ...*nftables.Chain) *ruleTable {
	t := &ruleTable{
		Table: &nftables.Table{Name: name, Family: nftables.TableFamilyINet}, words: "inet " + name,
		sets: make(map[Family]*nftables.Set), chains: chains, rule: rule,
	}
	for _, f := range []Family{IPv4, IPv6} {
		// The ID is unique within the table. The library would count in a variable that all goroutines share.
		t.sets[f] = &nftables.Set{Table: t.Table, Name: f.String(), ID: uint32(f), Interval: true, Concatenation: true}
	}
	for _, ch := range chains {
		ch.Table = t.Table
	}
	return t
}

// make adds the table, without elements.
func (t *ruleTable) make(c *nftables.Conn) error {
	c.AddTable(t.Table)
	for _, s := range t.sets {
		if err := c.AddSet(s, nil); err != nil {
			return err
		}
	}
	for _, ch := range t.chains {
		c.AddChain(ch)
		for f, s := range t.sets {
			c.AddRule(&nftables.Rule{Table: t.Table, Chain: ch, Exprs: t.rule(s, f)})
		}
	}
	return nil
}

// Registers of four bytes, as a key of several fields fills them.
const register = unix.NFT_REG32_00

// fields are where a family's packets have their destination, and how many registers that fills.
func fields(f Family) (nfproto byte, offset, length, registers uint32) {
	if f == IPv4 {
		return unix.NFPROTO_IPV4, 16, 4, 1
	}
	return unix.NFPROTO_IPV6, 24, 16, 4
}

func onlyFamily(nfproto byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{nfproto}},
	}
}

// destinationPort stands at the same place with TCP, UDP and SCTP.
func destinationPort(to uint32) expr.Any {
	return &expr.Payload{DestRegister: to, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}
}

func markRule(s *nftables.Set, f Family) []expr.Any {
	nfproto, offset, length, wide := fields(f)
	return slices.Concat(onlyFamily(nfproto), []expr.Any{
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register + wide},
		destinationPort(register + wide + 1),
		&expr.Lookup{SourceRegister: register, DestRegister: register, IsDestRegSet: true, SetName: s.Name, SetID: s.ID},
		&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: register},
	})
}

func masqueradeRule(s *nftables.Set, f Family) []expr.Any {
	nfproto, offset, length, _ := fields(f)
	return slices.Concat(onlyFamily(nfproto), []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: register},
		&expr.Payload{DestRegister: register + 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Lookup{SourceRegister: register, SetName: s.Name, SetID: s.ID},
		&expr.Masq{},
	})
}
