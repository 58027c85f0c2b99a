package vip

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// fenceName is the name of the fence's nftables tables.
const fenceName = "polso_fence"

// KernelFence is the Fence of the network namespace in which it is used: nftables tables polso_fence of the families
// inet, arp and netdev. It needs CAP_NET_ADMIN. Each call has a socket to itself, so that none waits for another's; the
// socket of the last one that went well is kept for the next, as opening one costs as much as a renewal.
//
// In each table the set "lease" has one element a protocol, with a timeout, while the gate is open. An element's timeout is
// renewed by delete and add in one transaction, which fails once it has expired: adding alone would revive what has ended,
// and would not prolong what has not (nft(8), tried on 6.12 and 6.18).
type KernelFence struct {
	// noEgress: the kernel has no netdev egress hook (Linux 5.16). Announcements from packet sockets are not fenced there.
	noEgress atomic.Bool

	spare atomic.Pointer[fenceSocket]
}

// fenceSocket is a connection to nftables. Its deadline is what the library has no word for.
type fenceSocket struct {
	*nftables.Conn
	raw *netlink.Conn
}

func openFenceSocket() (*fenceSocket, error) {
	s := new(fenceSocket)
	var err error
	s.Conn, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(raw *netlink.Conn) error {
		s.raw = raw
		return nil
	}))
	return s, err
}

// protocols of a table's lease.
var (
	etherARP  = []byte{0x08, 0x06}
	etherIPv4 = []byte{0x08, 0x00}
	etherIPv6 = []byte{0x86, 0xdd}
)

// fenceTable is one of the tables with its sets.
type fenceTable struct {
	*nftables.Table
	lease     *nftables.Set
	protocols [][]byte // the elements of lease
	vips      *nftables.Set
	vips6     *nftables.Set // nil: none
	sets      []*nftables.Set
	hasEgress bool
}

func newFenceTable(family nftables.TableFamily) *fenceTable {
	t := &fenceTable{Table: &nftables.Table{Name: fenceName, Family: family}, protocols: [][]byte{etherARP}}
	set := func(name string, key nftables.SetDatatype) *nftables.Set {
		// The ID is unique within a transaction. The library would count in a variable that all goroutines share.
		s := &nftables.Set{Table: t.Table, Name: name, KeyType: key, ID: uint32(family)<<8 + uint32(len(t.sets)+1)}
		t.sets = append(t.sets, s)
		return s
	}
	t.lease = set("lease", nftables.TypeEtherType)
	t.lease.HasTimeout = true
	t.vips = set("vips", nftables.TypeIPAddr)
	switch family {
	case nftables.TableFamilyINet:
		t.protocols = [][]byte{etherIPv4, etherIPv6}
		t.vips6 = set("vips6", nftables.TypeIP6Addr)
	case nftables.TableFamilyNetdev:
		t.hasEgress = true
	}
	return t
}

// tables are those of this kernel.
func (f *KernelFence) tables() []*fenceTable {
	all := []*fenceTable{newFenceTable(nftables.TableFamilyINet), newFenceTable(nftables.TableFamilyARP)}
	if !f.noEgress.Load() {
		all = append(all, newFenceTable(nftables.TableFamilyNetdev))
	}
	return all
}

// transaction does what is queued in one step.
func (f *KernelFence) transaction(queue func(c *nftables.Conn) error) error {
	s := f.spare.Swap(nil)
	if s == nil {
		var err error
		if s, err = openFenceSocket(); err != nil {
			return fmt.Errorf("nftables: %w", err)
		}
	}
	err := s.raw.SetDeadline(time.Now().Add(callTimeout))
	if err == nil {
		err = queue(s.Conn)
	}
	if err == nil {
		err = s.Flush()
	}
	if err != nil {
		// What has not been read of the answer would be taken for the next one's.
		return errors.Join(fmt.Errorf("nftables: %w", err), s.CloseLasting())
	}
	if other := f.spare.Swap(s); other != nil {
		return other.CloseLasting()
	}
	return nil
}

// Close closes the socket that is kept. No call may be under way; one that follows opens its own again.
func (f *KernelFence) Close() error {
	if s := f.spare.Swap(nil); s != nil {
		return s.CloseLasting()
	}
	return nil
}

// Raise implements Fence.
func (f *KernelFence) Raise(around []Guarded) error {
	err := f.raise(around)
	if err != nil && !f.noEgress.Load() {
		// Of what is in it only the egress hook is newer than the rest.
		f.noEgress.Store(true)
		if older := f.raise(around); older == nil {
			return nil
		}
		f.noEgress.Store(false)
	}
	return err
}

func (f *KernelFence) raise(around []Guarded) error {
	return f.transaction(func(c *nftables.Conn) error {
		for _, t := range f.tables() {
			c.AddTable(t.Table) // deleting what is not there is an error
			c.DelTable(t.Table)
			c.AddTable(t.Table)
			for _, s := range t.sets {
				if err := c.AddSet(s, nil); err != nil {
					return err
				}
			}
			t.build(c)
			if t.hasEgress {
				// There may be nothing to guard yet: so it is known all the same whether this kernel can.
				c.DelChain(t.egress(c, "lo"))
			}
			if err := t.guard(c, around); err != nil {
				return err
			}
		}
		return nil
	})
}

// Guard implements Fence.
func (f *KernelFence) Guard(around []Guarded) error {
	return absent(f.transaction(func(c *nftables.Conn) error {
		for _, t := range f.tables() {
			if err := t.move(c, around); err != nil {
				return err
			}
		}
		return nil
	}))
}

// move empties the sets of addresses and fills them anew.
func (t *fenceTable) move(c *nftables.Conn, around []Guarded) error {
	c.FlushSet(t.vips)
	if t.vips6 != nil {
		c.FlushSet(t.vips6)
	}
	return t.guard(c, around)
}

// guard adds the addresses to empty sets, and has what leaves by their links looked at.
func (t *fenceTable) guard(c *nftables.Conn, around []Guarded) error {
	var four, six []nftables.SetElement
	var links []string
	for _, g := range around {
		key := nftables.SetElement{Key: g.Addr.AsSlice()}
		if g.Addr.Is4() {
			four = append(four, key)
			links = append(links, g.Link)
		} else {
			six = append(six, key)
		}
	}
	if len(four) > 0 {
		if err := c.SetAddElements(t.vips, four); err != nil {
			return err
		}
	}
	if len(six) > 0 && t.vips6 != nil {
		if err := c.SetAddElements(t.vips6, six); err != nil {
			return err
		}
	}
	if t.hasEgress {
		slices.Sort(links)
		for _, link := range slices.Compact(links) {
			t.watch(c, link)
		}
	}
	return nil
}

// Open implements Fence.
func (f *KernelFence) Open(around []Guarded, d time.Duration) error {
	return absent(f.transaction(func(c *nftables.Conn) error {
		for _, t := range f.tables() {
			if err := t.move(c, around); err != nil {
				return err
			}
			c.FlushSet(t.lease)
			if err := c.SetAddElements(t.lease, t.elements(d)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Renew implements Fence.
func (f *KernelFence) Renew(d time.Duration) error {
	err := f.transaction(func(c *nftables.Conn) error {
		for _, t := range f.tables() {
			if err := errors.Join(c.SetDeleteElements(t.lease, t.elements(0)), c.SetAddElements(t.lease, t.elements(d))); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, unix.ENOENT) {
		return errors.Join(ErrShut, err)
	}
	return err
}

// elements are the lease's: open for d.
func (t *fenceTable) elements(d time.Duration) []nftables.SetElement {
	out := make([]nftables.SetElement, len(t.protocols))
	for i, p := range t.protocols {
		// Less than a millisecond would be no timeout at all: open for good.
		out[i] = nftables.SetElement{Key: p, Timeout: max(d, time.Millisecond)}
	}
	return out
}

// Shut implements Fence.
func (f *KernelFence) Shut(around []Guarded) error {
	return absent(f.transaction(func(c *nftables.Conn) error {
		for _, t := range f.tables() {
			c.FlushSet(t.lease)
			if err := t.move(c, around); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Raze implements Fence.
func (f *KernelFence) Raze() error {
	return f.transaction(func(c *nftables.Conn) error {
		for _, t := range f.tables() {
			c.AddTable(t.Table)
			c.DelTable(t.Table)
		}
		return nil
	})
}

// absent tells that a table or set is not there.
func absent(err error) error {
	if errors.Is(err, unix.ENOENT) {
		return errors.Join(ErrNoFence, err)
	}
	return err
}
