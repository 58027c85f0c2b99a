package vip

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// undisturbed repeats a dump that a change interrupted, a few times.
func undisturbed[T any](dump func() ([]T, error)) (list []T, err error) {
	for range 4 {
		if list, err = dump(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return list, err
		}
	}
	return nil, err
}

// Placed implements Edge.
func (k *Kernel) Placed() ([]Placed, error) {
	var out []Placed
	err := k.with(func(r *route) error {
		messages, err := undisturbed(func() ([][]byte, error) {
			req := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
			req.AddData(nl.NewIfAddrmsg(unix.AF_UNSPEC))
			return r.execute(req, unix.RTM_NEWADDR)
		})
		if err != nil {
			return err
		}
		for _, m := range messages {
			p, err := parsePlaced(m)
			if err != nil {
				return err
			}
			if p.Addr.IsValid() && p.Index != loopback {
				out = append(out, p)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	return out, nil
}

func (r *route) execute(req *nl.NetlinkRequest, answer uint16) ([][]byte, error) {
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: r.addrs}
	return req.Execute(unix.NETLINK_ROUTE, answer)
}

// parsePlaced reads an ifaddrmsg and its attributes; an address of another family than IP is the zero Placed.
func parsePlaced(m []byte) (Placed, error) {
	if len(m) < unix.SizeofIfAddrmsg {
		return Placed{}, fmt.Errorf("address message of %d bytes", len(m))
	}
	msg := nl.DeserializeIfAddrmsg(m)
	if msg.Family != unix.AF_INET && msg.Family != unix.AF_INET6 {
		return Placed{}, nil
	}
	attrs, err := nl.ParseRouteAttr(m[msg.Len():])
	if err != nil {
		return Placed{}, fmt.Errorf("address message: %w", err)
	}
	p := Placed{Bits: int(msg.Prefixlen), Index: int(msg.Index)}
	flags := uint32(msg.Flags)
	var local bool
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.IFA_LOCAL:
			p.Addr, local = netip.AddrFromSlice(a.Value)
		case unix.IFA_ADDRESS:
			// The far end of a point-to-point address where there is an IFA_LOCAL, the address itself otherwise.
			if !local {
				p.Addr, _ = netip.AddrFromSlice(a.Value)
			}
		case unix.IFA_FLAGS:
			if len(a.Value) >= 4 {
				flags = nl.NativeEndian().Uint32(a.Value)
			}
		case unix.IFA_LABEL:
			p.Ours = p.Ours || hasSuffix(a.Value, labelSuffix)
		case ifaProto:
			p.Ours = p.Ours || len(a.Value) > 0 && a.Value[0] == mark
		}
	}
	p.Permanent = flags&unix.IFA_F_PERMANENT != 0
	return p, nil
}

// hasSuffix compares a zero-terminated label.
func hasSuffix(label []byte, suffix string) bool {
	text := unix.ByteSliceToString(label)
	return len(text) > len(suffix) && text[len(text)-len(suffix):] == suffix
}
