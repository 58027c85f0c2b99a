package detour

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
)

// Kernel is the Edge to the kernel of the network namespace in which it is used. It takes CAP_NET_ADMIN, a kernel with nftables,
// and for tunnels one with ipip or ip6_tunnel. It opens its sockets as it needs them. The zero value is ready to use.
type Kernel struct {
	uses   uint32 // how many parts the table had when it was made by this process; 0: it was not
	guards int    // how many were there then: one less where there is no IPv6
}

// callTimeout bounds one call to the kernel.
const callTimeout = 2 * time.Second

// bounded is for sockets. A transaction of some ten thousand elements fits.
func bounded(c *netlink.Conn) error {
	const buffer = 8 << 20
	return errors.Join(c.SetDeadline(time.Now().Add(callTimeout)), c.SetWriteBuffer(buffer), c.SetReadBuffer(buffer))
}

// State reads the table, the routes and the guards.
func (k *Kernel) State() (State, error) {
	s := State{Virtuals: make(map[netip.Addr]netip.Addr)}
	var err error
	var guards int
	if s.Routes, guards, err = readRoutes(); err != nil {
		return State{}, fmt.Errorf("routes: %w", err)
	}
	c, err := nftables.New(nftables.WithSockOptions(bounded))
	if err != nil {
		return State{}, fmt.Errorf("nftables: %w", err)
	}
	there, err := tableNow(c)
	if err != nil {
		return State{}, fmt.Errorf("nftables: %w", err)
	}
	// What another process has made, or somebody has changed, is not known to do what it should.
	s.Base = there != nil && guards == k.guards && k.uses != 0 && there.Use == k.uses
	if !s.Base {
		s.Left = there != nil || guards > 0
		return s, nil
	}
	for _, set := range newTable().stand {
		list, err := c.GetSetElements(set)
		if err != nil {
			return State{}, fmt.Errorf("nftables: %w", err)
		}
		for _, e := range list {
			at, _ := netip.AddrFromSlice(e.Key)
			virtual, _ := netip.AddrFromSlice(e.Val)
			s.Virtuals[at] = virtual
		}
	}
	return s, nil
}

// tableNow is the table that is there; nil: none.
func tableNow(c *nftables.Conn) (*nftables.Table, error) {
	all, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(t *nftables.Table) bool { return t.Name == tableName })
	if i < 0 {
		return nil, nil
	}
	return all[i], nil
}

// Do takes the steps: those of the table that follow each other in one transaction.
func (k *Kernel) Do(ops []Op) []error {
	errs := make([]error, len(ops))
	devices := make(map[bool]int) // that wrap IPv4, and not
	for i := 0; i < len(ops); i++ {
		switch ops[i].Part {
		case Base:
			if ops[i].Verb == Add {
				errs[i] = k.makeBase()
			} else {
				errs[i] = k.razeBase()
			}
			if errs[i] != nil {
				for j := range errs[i:] {
					errs[i+j] = errs[i]
				}
				return errs
			}
		case Virtual:
			n := slices.IndexFunc(ops[i:], func(o Op) bool { return o.Part != Virtual })
			if n < 0 {
				n = len(ops) - i
			}
			err := translate(ops[i : i+n])
			for j := range n {
				errs[i+j] = err
			}
			i += n - 1
		case Leads:
			errs[i] = lead(ops[i], devices)
		}
	}
	return errs
}

func (k *Kernel) makeBase() error {
	if err := guard(Add); err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	c, err := nftables.New(nftables.WithSockOptions(bounded))
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	t := newTable()
	c.AddTable(t.Table) // deleting what is not there is an error
	c.DelTable(t.Table)
	if err := t.make(c); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	made, err := tableNow(c)
	if err != nil || made == nil {
		return errors.Join(errors.New("nftables: the table is not there"), err)
	}
	_, k.guards, err = readRoutes()
	k.uses = made.Use
	return err
}

func (k *Kernel) razeBase() error {
	k.uses = 0
	c, err := nftables.New(nftables.WithSockOptions(bounded))
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	t := newTable()
	c.AddTable(t.Table)
	c.DelTable(t.Table)
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return errors.Join(guard(Delete), dropLinks())
}

// perMessage is how many elements fit well into one attribute, which holds at most 64 KiB.
const perMessage = 256

// translate has virtual addresses stand in the place of stand-ins, or no more.
func translate(ops []Op) error {
	c, err := nftables.New(nftables.WithSockOptions(bounded))
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	for _, do := range []struct {
		verb Verb
		what func(*nftables.Set, []nftables.SetElement) error
	}{{Delete, c.SetDeleteElements}, {Add, c.SetAddElements}} {
		for f, set := range newTable().stand {
			var list []nftables.SetElement
			for _, o := range ops {
				if o.Verb == do.verb && o.At.Is4() == f.is4() {
					list = append(list, nftables.SetElement{Key: o.At.AsSlice(), Val: o.Virtual.AsSlice()})
				}
			}
			for part := range slices.Chunk(list, perMessage) {
				if err := do.what(set, part); err != nil {
					return fmt.Errorf("nftables: %w", err)
				}
			}
		}
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}
