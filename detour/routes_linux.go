package detour

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/mdlayher/netlink"
	links "github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// mark is the protocol of Polso's routes ('p'), as it is of its addresses.
const mark = 0x70

// lastMetric lets any other route go before a guard.
const lastMetric = 1<<32 - 1

// outer is LWTUNNEL_IP_DST and LWTUNNEL_IP6_DST (linux/lwtunnel.h). The netlink library knows no route that is wrapped in IPv4.
const outer = 2

// route is one as rtnetlink has it.
type route struct {
	to      netip.Prefix
	kind    uint8 // unix.RTN_UNICAST …
	gateway netip.Addr
	wrapped netip.Addr // the outer destination
	source  netip.Addr
	link    uint32
	metric  uint32
}

func familyOf(a netip.Addr) (number uint8, encap uint16) {
	if a.Is4() {
		return unix.AF_INET, nl.LWTUNNEL_ENCAP_IP
	}
	return unix.AF_INET6, nl.LWTUNNEL_ENCAP_IP6
}

// encode is the body of a message about the route.
func (r route) encode() ([]byte, error) {
	number, encap := familyOf(r.to.Addr())
	head := []byte{number, uint8(r.to.Bits()), 0, 0, unix.RT_TABLE_MAIN, mark, unix.RT_SCOPE_UNIVERSE, r.kind, 0, 0, 0, 0}
	e := netlink.NewAttributeEncoder()
	e.Bytes(unix.RTA_DST, r.to.Addr().AsSlice())
	if r.gateway.IsValid() {
		e.Bytes(unix.RTA_GATEWAY, r.gateway.AsSlice())
	}
	if r.source.IsValid() {
		e.Bytes(unix.RTA_PREFSRC, r.source.AsSlice())
	}
	if r.link != 0 {
		e.Uint32(unix.RTA_OIF, r.link)
	}
	if r.metric != 0 {
		e.Uint32(unix.RTA_PRIORITY, r.metric)
	}
	if r.wrapped.IsValid() {
		e.Uint16(unix.RTA_ENCAP_TYPE, encap)
		e.Nested(unix.RTA_ENCAP, func(e *netlink.AttributeEncoder) error {
			e.Bytes(outer, r.wrapped.AsSlice())
			return nil
		})
	}
	body, err := e.Encode()
	return append(head, body...), err
}

// decode reads a message; false: it is none of ours.
func decode(b []byte) (r route, ours bool, err error) {
	if len(b) < unix.SizeofRtMsg {
		return route{}, false, errors.New("a route that is too short")
	}
	bits := int(b[1])
	r.kind = b[7]
	ours = b[5] == mark && b[4] == unix.RT_TABLE_MAIN
	d, err := netlink.NewAttributeDecoder(b[unix.SizeofRtMsg:])
	if err != nil {
		return route{}, false, err
	}
	addr := func() netip.Addr { a, _ := netip.AddrFromSlice(d.Bytes()); return a }
	for d.Next() {
		switch d.Type() {
		case unix.RTA_DST:
			r.to = netip.PrefixFrom(addr(), bits)
		case unix.RTA_GATEWAY:
			r.gateway = addr()
		case unix.RTA_PREFSRC:
			r.source = addr()
		case unix.RTA_OIF:
			r.link = d.Uint32()
		case unix.RTA_PRIORITY:
			r.metric = d.Uint32()
		case unix.RTA_ENCAP:
			d.Nested(func(d *netlink.AttributeDecoder) error {
				for d.Next() {
					if d.Type() == outer {
						r.wrapped, _ = netip.AddrFromSlice(d.Bytes())
					}
				}
				return nil
			})
		}
	}
	return r, ours, d.Err()
}

// ask puts one question to rtnetlink.
func ask(kind netlink.HeaderType, flags netlink.HeaderFlags, body []byte) ([]netlink.Message, error) {
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := bounded(c); err != nil {
		return nil, err
	}
	_ = c.SetOption(netlink.GetStrictCheck, true) // the kernel filters; an older one shows all
	return c.Execute(netlink.Message{Header: netlink.Header{Type: kind, Flags: netlink.Request | flags}, Data: body})
}

// readRoutes reads the routes to stand-ins, and how many guards there are.
func readRoutes() (map[netip.Addr]Route, int, error) {
	out := make(map[netip.Addr]Route)
	guards := 0
	for _, number := range []uint8{unix.AF_INET, unix.AF_INET6} {
		question := []byte{number, 0, 0, 0, unix.RT_TABLE_MAIN, mark, 0, 0, 0, 0, 0, 0}
		list, err := ask(unix.RTM_GETROUTE, netlink.Dump, question)
		if err != nil {
			if number == unix.AF_INET6 && errors.Is(err, unix.EAFNOSUPPORT) {
				continue
			}
			return nil, 0, err
		}
		for _, m := range list {
			r, ours, err := decode(m.Data)
			switch {
			case err != nil:
				return nil, 0, err
			case !ours:
			case r.to == network4 || r.to == network6:
				guards++
			case !r.to.IsSingleIP() || !network4.Contains(r.to.Addr()) && !network6.Contains(r.to.Addr()):
			case r.wrapped.IsValid():
				out[r.to.Addr()] = Route{r.wrapped, IPIP}
			default:
				out[r.to.Addr()] = Route{r.gateway, Direct}
			}
		}
	}
	return out, guards, nil
}

// guard keeps what is for a stand-in that has no route from going where everything goes that has none.
func guard(v Verb) error {
	for _, network := range []netip.Prefix{network4, network6} {
		err := change(v, route{to: network, kind: unix.RTN_UNREACHABLE, metric: lastMetric})
		if network.Addr().Is6() && (errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EACCES)) {
			err = nil // there is no IPv6 here
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// change adds or removes a route; one that is gone already is no error.
func change(v Verb, r route) error {
	body, err := r.encode()
	if err != nil {
		return err
	}
	if v == Delete {
		_, err = ask(unix.RTM_DELROUTE, netlink.Acknowledge, body)
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) {
			return nil
		}
		return err
	}
	_, err = ask(unix.RTM_NEWROUTE, netlink.Acknowledge|netlink.Create|netlink.Replace, body)
	return err
}

// lead adds or removes the route to a stand-in. made are the devices that are known to be there.
func lead(o Op, made map[bool]int) error {
	r := route{to: netip.PrefixFrom(o.At, o.At.BitLen()), kind: unix.RTN_UNICAST}
	if o.Verb == Delete {
		return change(Delete, r)
	}
	now, err := wayTo(o.Server)
	if err != nil {
		return err
	}
	switch {
	case o.By == IPIP:
		four := o.At.Is4()
		if made[four] == 0 {
			if made[four], err = device(four); err != nil {
				return err
			}
		}
		r.link, r.wrapped, r.source = uint32(made[four]), o.Server, now.source
	case now.gateway.IsValid():
		return fmt.Errorf("%s is behind %s: what is forwarded by dr has to be on a link of this router", o.Server, now.gateway)
	default:
		r.link, r.gateway = now.link, o.Server
	}
	return change(Add, r)
}

// wayTo asks how the kernel gets to a server.
func wayTo(server netip.Addr) (route, error) {
	number, _ := familyOf(server)
	e := netlink.NewAttributeEncoder()
	e.Bytes(unix.RTA_DST, server.AsSlice())
	body, err := e.Encode()
	if err != nil {
		return route{}, err
	}
	list, err := ask(unix.RTM_GETROUTE, 0, append([]byte{number, uint8(server.BitLen()), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, body...))
	if err != nil || len(list) == 0 {
		return route{}, errors.Join(fmt.Errorf("there is no route to %s", server), err)
	}
	r, _, err := decode(list[0].Data)
	if err == nil && r.kind != unix.RTN_UNICAST {
		err = fmt.Errorf("%s is this router itself", server)
	}
	return r, err
}

// device makes the device that wraps packets, unless it is there.
func device(four bool) (int, error) {
	var l links.Link = &links.Iptun{LinkAttrs: links.LinkAttrs{Name: device4}, FlowBased: true}
	module := "ipip"
	if !four {
		l, module = &links.Ip6tnl{LinkAttrs: links.LinkAttrs{Name: device6}, FlowBased: true}, "ip6_tunnel"
	}
	if err := links.LinkAdd(l); err != nil && !errors.Is(err, os.ErrExist) {
		return 0, fmt.Errorf("a device for tunnels (modprobe %s): %w", module, err)
	}
	there, err := links.LinkByName(l.Attrs().Name)
	if err != nil {
		return 0, fmt.Errorf("device %s: %w", l.Attrs().Name, err)
	}
	if err := links.LinkSetUp(there); err != nil {
		return 0, fmt.Errorf("device %s: %w", l.Attrs().Name, err)
	}
	return there.Attrs().Index, nil
}

// dropLinks removes the devices.
func dropLinks() error {
	var errs []error
	for _, name := range []string{device4, device6} {
		l, err := links.LinkByName(name)
		if errors.As(err, new(links.LinkNotFoundError)) {
			continue
		}
		if err == nil {
			err = links.LinkDel(l)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
