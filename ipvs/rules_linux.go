package ipvs

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// KernelRules are the rules of the network namespace in which they are used. They take CAP_NET_ADMIN, and a kernel with
// nftables and its sets of concatenated ranges (Linux 5.6). Every method may be called from any goroutine, opens a socket of
// its own, and ends within seconds.
type KernelRules struct {
	mu    sync.Mutex // guards below: who reads while the tables are made anew would take them for damaged
	seen  *reading
	built shapes // as the kernel showed the tables right after they were made
}

// shapes are tables without their elements, in words, by name. They are not changed once stored.
type shapes map[string]string

// reading is what was read last.
type reading struct {
	generation uint32 // of the whole rule set, before it was read
	rules      Rules
	shapes     shapes // of the tables that are there
}

// socketBuffer holds a transaction of some ten thousand elements.
const socketBuffer = 8 << 20

// bounded is for sockets: one call lasts no longer.
func bounded(c *netlink.Conn) error {
	return errors.Join(c.SetDeadline(time.Now().Add(defaultTimeout)), c.SetWriteBuffer(socketBuffer), c.SetReadBuffer(socketBuffer))
}

// Rules reads the rules, in canonical form. While nobody has changed anything in the whole rule set since they were read
// last, that costs one short exchange.
func (k *KernelRules) Rules() (Rules, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, err := k.read()
	return r.rules, err
}

// SetRules makes the kernel have these rules and no others, in one transaction.
func (k *KernelRules) SetRules(want Rules) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	have, err := k.read()
	if err != nil {
		return err
	}
	c, err := nftables.New(nftables.WithSockOptions(bounded))
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	anew := make(map[string]bool)
	for _, t := range ruleTables() {
		wanted, there := t.elements(want), t.elements(have.rules)
		_, exists := have.shapes[t.words]
		damaged := slices.Contains(have.rules.Damaged, t.words)
		switch {
		case len(wanted) == 0 && exists:
			c.DelTable(t.Table)
		case len(wanted) == 0:
		case !exists || damaged:
			if exists {
				c.DelTable(t.Table)
			}
			anew[t.words] = true
			if err := t.make(c); err != nil {
				return fmt.Errorf("nftables: %w", err)
			}
			there = nil
			fallthrough
		default:
			if err := errors.Join(t.each(missing(there, wanted), c.SetDeleteElements), t.each(missing(wanted, there), c.SetAddElements)); err != nil {
				return fmt.Errorf("nftables: %w", err)
			}
		}
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	after, err := shapesNow(c)
	if err != nil {
		return err
	}
	for name := range after {
		if !anew[name] {
			after[name] = k.built[name]
		}
	}
	k.built = after
	return nil
}

// read reads the tables, unless nothing has changed. k.mu is held.
func (k *KernelRules) read() (reading, error) {
	now, err := generation()
	if err != nil {
		return reading{}, fmt.Errorf("nftables: %w", err)
	}
	if k.seen != nil && k.seen.generation == now {
		return *k.seen, nil
	}
	c, err := nftables.New(nftables.WithSockOptions(bounded))
	if err != nil {
		return reading{}, fmt.Errorf("nftables: %w", err)
	}
	out := reading{generation: now}
	if out.shapes, err = shapesNow(c); err != nil {
		return reading{}, err
	}
	for _, t := range ruleTables() {
		shape, there := out.shapes[t.words]
		if !there {
			continue
		}
		if shape != k.built[t.words] { // nor has this process made what is not in there
			out.rules.Damaged = append(out.rules.Damaged, t.words)
			continue
		}
		for f, s := range t.sets {
			list, err := c.GetSetElements(s)
			if err != nil {
				return reading{}, fmt.Errorf("nftables: table %s: %w", t.words, err)
			}
			for _, e := range list {
				t.note(&out.rules, f, e)
			}
		}
	}
	out.rules = out.rules.Canonical()
	k.seen = &out
	return out, nil
}

// shapesNow reads the tables that are there, their elements aside.
func shapesNow(c *nftables.Conn) (shapes, error) {
	have, err := c.ListTables()
	if err != nil {
		return nil, fmt.Errorf("nftables: %w", err)
	}
	out := make(shapes)
	for _, t := range ruleTables() {
		i := slices.IndexFunc(have, func(x *nftables.Table) bool { return x.Name == t.Name && x.Family == t.Family })
		if i < 0 {
			continue
		}
		if out[t.words], err = t.shape(c, have[i]); err != nil {
			return nil, fmt.Errorf("nftables: table %s: %w", t.words, err)
		}
	}
	return out, nil
}

// shape is a table without its elements, in words: what is hooked where, and the rules by their handles, of which the kernel
// gives no two the same.
func (t *ruleTable) shape(c *nftables.Conn, have *nftables.Table) (string, error) {
	var b strings.Builder
	fmt.Fprintln(&b, "flags", have.Flags, "parts", have.Use)
	sets, err := c.GetSets(t.Table)
	if err != nil {
		return "", err
	}
	for _, s := range sets {
		fmt.Fprintln(&b, "set", s.Name, s.KeyType.Name, s.DataType.Name, s.Interval, s.HasTimeout)
	}
	chains, err := c.ListChainsOfTableFamily(t.Family)
	if err != nil {
		return "", err
	}
	for _, ch := range chains {
		if ch.Table == nil || ch.Table.Name != t.Name {
			continue
		}
		fmt.Fprint(&b, "chain ", ch.Name, " ", ch.Type)
		if ch.Hooknum != nil && ch.Priority != nil && ch.Policy != nil {
			fmt.Fprint(&b, " ", *ch.Hooknum, " ", *ch.Priority, " ", *ch.Policy)
		}
		fmt.Fprintln(&b)
	}
	// The library cannot read every expression back, and their handles are enough.
	rules, err := query(unix.NFT_MSG_GETRULE, netlink.Dump, t.Family, netlink.Attribute{Type: unix.NFTA_RULE_TABLE, Data: []byte(t.Name + "\x00")})
	if err != nil {
		return "", err
	}
	for _, r := range rules {
		fmt.Fprintln(&b, "rule", attribute(r, unix.NFTA_RULE_CHAIN), attribute(r, unix.NFTA_RULE_HANDLE))
	}
	return b.String(), nil
}

// generation is the number of the rule set: the kernel counts every transaction, whoever's it is.
func generation() (uint32, error) {
	replies, err := query(unix.NFT_MSG_GETGEN, 0, nftables.TableFamilyUnspecified)
	if err != nil {
		return 0, err
	}
	if len(replies) != 1 || len(attribute(replies[0], unix.NFTA_GEN_ID)) != 4 {
		return 0, errors.New("an answer without a generation")
	}
	return binaryutil.BigEndian.Uint32(attribute(replies[0], unix.NFTA_GEN_ID)), nil
}

// query puts a question to nftables that the library has no words for.
func query(question netlink.HeaderType, flags netlink.HeaderFlags, family nftables.TableFamily, with ...netlink.Attribute) ([]netlink.Message, error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := bounded(c); err != nil {
		return nil, err
	}
	body, err := netlink.MarshalAttributes(with)
	if err != nil {
		return nil, err
	}
	return c.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | question, Flags: netlink.Request | flags},
		Data:   append([]byte{byte(family), unix.NFNETLINK_V0, 0, 0}, body...),
	})
}

// attribute is a message's attribute of that type, nil if it has none.
func attribute(m netlink.Message, kind uint16) []byte {
	list, err := netlink.UnmarshalAttributes(m.Data[min(4, len(m.Data)):])
	if err != nil {
		return nil
	}
	for _, a := range list {
		if a.Type == kind {
			return a.Data
		}
	}
	return nil
}

// element is one as nftables has it, and comparable.
type element struct {
	set           *nftables.Set
	key, end, val string
}

// perMessage is how many elements fit well into one attribute, which holds at most 64 KiB.
const perMessage = 256

// each hands elements to do, set by set, in messages that are not too long.
func (t *ruleTable) each(list []element, do func(*nftables.Set, []nftables.SetElement) error) error {
	var errs []error
	for _, s := range t.sets {
		var own []nftables.SetElement
		for _, e := range list {
			if e.set == s {
				own = append(own, nftables.SetElement{Key: []byte(e.key), KeyEnd: []byte(e.end), Val: []byte(e.val)})
			}
		}
		for part := range slices.Chunk(own, perMessage) {
			errs = append(errs, do(s, part))
		}
	}
	return errors.Join(errs...)
}

// elements are those of the rules that belong in the table.
func (t *ruleTable) elements(r Rules) []element {
	var out []element
	switch t.Name {
	case marksName:
		for _, m := range r.Marks {
			key := func(port uint16) string {
				return concat(m.Addr.AsSlice(), []byte{byte(m.Protocol)}, binaryutil.BigEndian.PutUint16(port))
			}
			out = append(out, element{t.sets[FamilyOf(m.Addr)], key(m.Ports.From), key(m.Ports.To), string(binaryutil.NativeEndian.PutUint32(m.FWMark))})
		}
	case masqueradeName:
		for _, m := range r.Masquerades {
			key := concat(binaryutil.NativeEndian.PutUint32(m.FWMark), m.Server.AsSlice())
			out = append(out, element{t.sets[FamilyOf(m.Server)], key, key, ""})
		}
	}
	return out
}

// concat is a key of several fields, each of which fills registers of four bytes.
func concat(fields ...[]byte) string {
	var b []byte
	for _, f := range fields {
		b = append(b, f...)
		b = append(b, make([]byte, -len(f)&3)...)
	}
	return string(b)
}

// note adds an element, as read, to the rules.
func (t *ruleTable) note(r *Rules, f Family, e nftables.SetElement) {
	end := e.KeyEnd
	if len(end) == 0 {
		end = e.Key
	}
	size := fullMask(f) / 8
	switch {
	case t.Name == marksName && len(e.Key) == size+8 && len(end) == size+8 && len(e.Val) == 4:
		addr, _ := netip.AddrFromSlice(e.Key[:size])
		port := func(key []byte) uint16 { return binaryutil.BigEndian.Uint16(key[size+4 : size+6]) }
		r.Marks = append(r.Marks, Mark{addr, Protocol(e.Key[size]), Ports{port(e.Key), port(end)}, binaryutil.NativeEndian.Uint32(e.Val)})
	case t.Name == masqueradeName && len(e.Key) == 4+size:
		server, _ := netip.AddrFromSlice(e.Key[4:])
		r.Masquerades = append(r.Masquerades, Masquerade{binaryutil.NativeEndian.Uint32(e.Key), server})
	}
}
