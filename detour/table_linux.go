package detour

import (
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// tableName is the table's name.
const tableName = "polso_probe"

// Names of the devices that wrap packets. What reaches one from outside is dropped: it is for sending alone.
const (
	device4 = "polso-probe4"
	device6 = "polso-probe6"
)

// table is the table. In nft's words, where it has any:
//
//	table inet polso_probe {
//	  map stand4 { type ipv4_addr : ipv4_addr }
//	  map stand6 { type ipv6_addr : ipv6_addr }
//	  map back4  { type ipv4_addr . inet_proto . inet_service . ipv4_addr : ipv4_addr; flags dynamic,timeout }
//	  map back6  { … the same of ipv6_addr }
//	  chain out { type filter hook postrouting priority 300;
//	    update @back4 { ip saddr . meta l4proto . th sport . (ip daddr map @stand4) : ip daddr } ip daddr set ip daddr map @stand4
//	    … the same for ip6 }
//	  chain in  { type filter hook prerouting priority raw;
//	    iifname polso-probe4 drop; iifname polso-probe6 drop
//	    ip daddr in @stand4 drop
//	    ip saddr set ip daddr . meta l4proto . th dport . ip saddr map @back4
//	    … the same for ip6 } }
//
// Chain out comes after IPVS, routing and conntrack, which know the stand-in alone; chain in before any of them. The fence has
// no say in either: the source of what leaves and the destination of what comes is the router's own.
type table struct {
	*nftables.Table
	stand, back map[family]*nftables.Set
}

// family is 4 or 6.
type family uint32

const (
	ipv4 family = 4
	ipv6 family = 6
)

func (f family) is4() bool { return f == ipv4 }

// layout says where a family's packets have what, in bytes, and how many registers an address fills.
func (f family) layout() (nfproto byte, source, destination, length, registers uint32) {
	if f == ipv4 {
		return unix.NFPROTO_IPV4, 12, 16, 4, 1
	}
	return unix.NFPROTO_IPV6, 8, 24, 16, 4
}

func newTable() *table {
	t := &table{&nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}, make(map[family]*nftables.Set), make(map[family]*nftables.Set)}
	for f, addr := range map[family]nftables.SetDatatype{ipv4: nftables.TypeIPAddr, ipv6: nftables.TypeIP6Addr} {
		// The IDs are unique within the table. The library would count in a variable that all goroutines share.
		digit := string('0' + rune(f))
		t.stand[f] = &nftables.Set{Table: t.Table, Name: "stand" + digit, ID: uint32(f), IsMap: true, KeyType: addr, DataType: addr}
		t.back[f] = &nftables.Set{
			Table: t.Table, Name: "back" + digit, ID: uint32(f) + 10, IsMap: true, DataType: addr, Concatenation: true,
			KeyType: nftables.MustConcatSetType(addr, nftables.TypeInetProto, nftables.TypeInetService, addr),
			Dynamic: true, HasTimeout: true, Timeout: AnswersWithin, Size: 1 << 20,
		}
	}
	return t
}

// make adds the table, without elements.
func (t *table) make(c *nftables.Conn) error {
	c.AddTable(t.Table)
	for _, f := range []family{ipv4, ipv6} {
		for _, s := range []*nftables.Set{t.stand[f], t.back[f]} {
			if err := c.AddSet(s, nil); err != nil {
				return err
			}
		}
	}
	out := c.AddChain(&nftables.Chain{Name: "out", Table: t.Table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityConntrackHelper})
	in := c.AddChain(&nftables.Chain{Name: "in", Table: t.Table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw})
	rule := func(chain *nftables.Chain, exprs ...expr.Any) {
		c.AddRule(&nftables.Rule{Table: t.Table, Chain: chain, Exprs: exprs})
	}
	for _, name := range []string{device4, device6} {
		rule(in, &expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: append([]byte(name), make([]byte, unix.IFNAMSIZ-len(name))...)},
			&expr.Verdict{Kind: expr.VerdictDrop})
	}
	for _, f := range []family{ipv4, ipv6} {
		rule(out, t.away(f)...)
		rule(in, t.stray(f)...)
		rule(in, t.home(f)...)
	}
	return nil
}

// first is the first register of four bytes.
const first = unix.NFT_REG32_00

func (f family) only() []expr.Any {
	nfproto, _, _, _, _ := f.layout()
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: first},
		&expr.Cmp{Op: expr.CmpOpEq, Register: first, Data: []byte{nfproto}},
	}
}

// load puts bytes of the network header into a register.
func (f family) load(offset, to uint32) expr.Any {
	_, _, _, length, _ := f.layout()
	return &expr.Payload{DestRegister: to, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length}
}

// write writes an address into the packet and mends the checksums. The library tells the kernel of the one over the pseudo header only
// beside one in the network header, of which IPv6 has none: the lower half of the flow label stands in for it, which is for the
// sender to choose, is the same throughout a flow (RFC 6437), and means nothing on arrival.
func (f family) write(offset, from uint32) expr.Any {
	_, _, _, length, _ := f.layout()
	p := &expr.Payload{
		OperationType: expr.PayloadWrite, SourceRegister: from, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length,
		CsumType: expr.CsumTypeInet, CsumOffset: 2, CsumFlags: unix.NFT_PAYLOAD_L4CSUM_PSEUDOHDR,
	}
	if f.is4() {
		p.CsumOffset = 10
	}
	return p
}

// whose loads protocol and port, which stands at offset in the transport header, into the two registers from to on.
func whose(offset, to uint32) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: to},
		&expr.Payload{DestRegister: to + 1, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2},
	}
}

// away writes the virtual address in the place of the stand-in, and notes whose answers are to come.
func (t *table) away(f family) []expr.Any {
	_, source, destination, _, wide := f.layout()
	virtual, at := first+wide+2, first+2*wide+2
	return slices.Concat(f.only(),
		[]expr.Any{
			f.load(destination, at),
			&expr.Lookup{SourceRegister: at, DestRegister: virtual, IsDestRegSet: true, SetName: t.stand[f].Name, SetID: t.stand[f].ID},
			f.load(source, first),
		}, whose(0, first+wide),
		[]expr.Any{
			&expr.Dynset{SrcRegKey: first, SrcRegData: at, SetName: t.back[f].Name, SetID: t.back[f].ID, Operation: unix.NFT_DYNSET_OP_UPDATE, Timeout: AnswersWithin},
			f.write(destination, virtual),
		})
}

// home writes the stand-in back into the answer.
func (t *table) home(f family) []expr.Any {
	_, source, destination, _, wide := f.layout()
	return slices.Concat(f.only(),
		[]expr.Any{f.load(destination, first)}, whose(2, first+wide),
		[]expr.Any{
			f.load(source, first+wide+2),
			&expr.Lookup{SourceRegister: first, DestRegister: first, IsDestRegSet: true, SetName: t.back[f].Name, SetID: t.back[f].ID},
			f.write(source, first),
		})
}

// stray drops what others send to a stand-in: it would be passed on to the server.
func (t *table) stray(f family) []expr.Any {
	_, _, destination, _, _ := f.layout()
	return slices.Concat(f.only(), []expr.Any{
		f.load(destination, first),
		&expr.Lookup{SourceRegister: first, DestRegister: first, IsDestRegSet: true, SetName: t.stand[f].Name, SetID: t.stand[f].ID},
		&expr.Verdict{Kind: expr.VerdictDrop},
	})
}
