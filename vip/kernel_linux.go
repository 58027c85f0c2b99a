package vip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	// mark is the IFA_PROTO of Polso's addresses ('p'); values below 4 are the kernel's own (linux/if_addr.h).
	mark = 0x70
	// ifaProto is IFA_PROTO (Linux 5.18); older kernels pass over it.
	ifaProto = 11
	// labelSuffix marks IPv4 addresses on kernels that keep no IFA_PROTO, where the label's 15 characters allow it.
	labelSuffix = ":polso"
	// loopback is the index of the loopback device in every network namespace.
	loopback = 1

	// callTimeout bounds one call to the kernel; sockets is how many are kept open: the pass's, the keeper's, Drop's and
	// one more, so that none waits for another's and none has to be opened when file descriptors have run out.
	callTimeout = 2 * time.Second
	sockets     = 4
)

// Kernel is the Edge to the kernel of the network namespace in which it was opened. The process must stay in that
// namespace: packet and raw sockets are opened as announcements are sent. It needs CAP_NET_ADMIN and CAP_NET_RAW.
type Kernel struct {
	idle chan *route

	names atomic.Pointer[map[int]string] // of the links, by index, as last listed
}

// route is one netlink socket for addresses and one for links, used by one call at a time.
type route struct {
	addrs *nl.SocketHandle
	links *netlink.Handle
}

// Open opens the sockets.
func Open() (*Kernel, error) {
	k := &Kernel{idle: make(chan *route, sockets)}
	for range sockets {
		r, err := openRoute()
		if err != nil {
			k.Close()
			return nil, fmt.Errorf("netlink: %w", err)
		}
		k.idle <- r
	}
	return k, nil
}

// Close closes the sockets. No call may be under way or follow.
func (k *Kernel) Close() {
	for {
		select {
		case r := <-k.idle:
			r.close()
		default:
			return
		}
	}
}

func openRoute() (*route, error) {
	s, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	timeout := unix.NsecToTimeval(callTimeout.Nanoseconds())
	if err := errors.Join(s.SetSendTimeout(&timeout), s.SetReceiveTimeout(&timeout)); err != nil {
		s.Close()
		return nil, err
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		s.Close()
		return nil, err
	}
	r := &route{addrs: &nl.SocketHandle{Socket: s}, links: h}
	if err := h.SetSocketTimeout(callTimeout); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *route) close() {
	r.addrs.Socket.Close()
	r.links.Close()
}

// with runs do with a socket that nobody else uses.
func (k *Kernel) with(do func(*route) error) error {
	var r *route
	select {
	case r = <-k.idle:
	default:
		var err error
		if r, err = openRoute(); err != nil {
			return err
		}
	}
	err := do(r)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) {
		// The answer may come yet and confuse the next call: a fresh socket knows nothing of it.
		r.close()
		fresh, openErr := openRoute()
		if openErr != nil {
			return errors.Join(err, openErr)
		}
		r = fresh
	}
	select {
	case k.idle <- r:
	default:
		r.close()
	}
	return err
}

// Links implements Edge.
func (k *Kernel) Links() (Links, error) {
	var out Links
	names := make(map[int]string)
	err := k.with(func(r *route) error {
		list, err := undisturbed(r.links.LinkList)
		if err != nil {
			return err
		}
		for _, l := range list {
			a := l.Attrs()
			names[a.Index] = a.Name
			if a.Index != loopback {
				out = append(out, link(a))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	k.names.Store(&names)
	return out, nil
}

// link is what the director needs to know of the kernel's link. IFF_RUNNING is the operational state, carrier included.
func link(a *netlink.LinkAttrs) Link {
	const up = unix.IFF_UP | unix.IFF_RUNNING
	return Link{Name: a.Name, Index: a.Index, Up: a.RawFlags&up == up, MAC: a.HardwareAddr}
}

// Add implements Edge.
func (k *Kernel) Add(addr netip.Addr, link int, valid time.Duration) error {
	text := ""
	if addr.Is4() {
		text = k.label(link)
	}
	req := newAddr(Site{addr, link}, valid, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK, text)
	return k.with(func(r *route) error {
		_, err := r.execute(req, 0)
		return err
	})
}

// newAddr is RTM_NEWADDR: a host address without a route for its prefix, without duplicate address detection, deprecated
// (preferred_lft 0) so that IPv6 chooses it as a source only where there is no other, with the mark. IPv4 knows no such word.
func newAddr(s Site, valid time.Duration, flags int, label string) *nl.NetlinkRequest {
	req := nl.NewNetlinkRequest(unix.RTM_NEWADDR, flags)
	req.AddData(ifaddrmsg(s.Addr, s.Addr.BitLen(), s.Link))
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, s.Addr.AsSlice()))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, s.Addr.AsSlice()))
	req.AddData(nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(unix.IFA_F_NODAD|unix.IFA_F_NOPREFIXROUTE)))
	info := nl.IfaCacheInfo{IfaCacheinfo: unix.IfaCacheinfo{Prefered: 0, Valid: uint32(valid / time.Second)}}
	req.AddData(nl.NewRtAttr(unix.IFA_CACHEINFO, info.Serialize()))
	req.AddData(nl.NewRtAttr(ifaProto, []byte{mark}))
	if label != "" {
		req.AddData(nl.NewRtAttr(unix.IFA_LABEL, nl.ZeroTerminated(label)))
	}
	return req
}

// label is the label of an IPv4 address on the link, "" if it would be too long or the link has not been listed: an add is
// timed and asks nothing. The kernel does not compare what is before the colon with the link's name of now.
func (k *Kernel) label(link int) string {
	names := k.names.Load()
	if names == nil {
		return ""
	}
	name := (*names)[link]
	if name == "" || len(name)+len(labelSuffix) >= unix.IFNAMSIZ {
		return ""
	}
	return name + labelSuffix
}

// Remove implements Edge.
func (k *Kernel) Remove(addr netip.Addr, bits, link int) error {
	req := nl.NewNetlinkRequest(unix.RTM_DELADDR, unix.NLM_F_ACK)
	req.AddData(ifaddrmsg(addr, bits, link))
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, addr.AsSlice()))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, addr.AsSlice()))
	return k.with(func(r *route) error {
		_, err := r.execute(req, 0)
		return err
	})
}

func ifaddrmsg(addr netip.Addr, bits, link int) *nl.IfAddrmsg {
	family := unix.AF_INET6
	if addr.Is4() {
		family = unix.AF_INET
	}
	msg := nl.NewIfAddrmsg(family)
	msg.Prefixlen = uint8(bits)
	msg.Index = uint32(link)
	return msg
}

// Announce implements Edge.
func (k *Kernel) Announce(addr netip.Addr, link int, still func() bool) error {
	ifi, err := net.InterfaceByIndex(link)
	if err != nil {
		return err
	}
	if addr.Is4() {
		return announceARP(ifi, addr, still)
	}
	return announceNDP(ifi, addr, still)
}
