package vip

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// subscriptionBuffer is for storms: a subscription that overruns breaks.
const subscriptionBuffer = 1 << 20

// Subscribe implements Edge.
func (k *Kernel) Subscribe(ctx context.Context, tell func(Event)) error {
	done := make(chan struct{})
	addrs := make(chan netlink.AddrUpdate, 64)
	links := make(chan netlink.LinkUpdate, 64)
	broken := make(chan error, 1)
	report := func(err error) {
		select {
		case broken <- err:
		default: // the first is enough
		}
	}
	err := netlink.AddrSubscribeWithOptions(addrs, done, netlink.AddrSubscribeOptions{
		ErrorCallback: report, ReceiveBufferSize: subscriptionBuffer, ReceiveBufferForceSize: true,
	})
	if err != nil {
		close(done)
		return fmt.Errorf("subscribe to addresses: %w", err)
	}
	err = netlink.LinkSubscribeWithOptions(links, done, netlink.LinkSubscribeOptions{
		ErrorCallback: report, ReceiveBufferSize: subscriptionBuffer, ReceiveBufferForceSize: true,
	})
	if err != nil {
		close(done)
		drain(addrs)
		return fmt.Errorf("subscribe to links: %w", err)
	}
	defer func() {
		close(done)
		drain(addrs)
		drain(links)
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-broken:
			return err
		case u, ok := <-addrs:
			if !ok {
				return syscall.ENOBUFS
			}
			tellAddr(u, tell)
		case u, ok := <-links:
			if !ok {
				return syscall.ENOBUFS
			}
			tellLink(u, tell)
		}
	}
}

// drain lets a subscription's goroutine come to its end: it may be waiting to hand over an update.
func drain[T any](updates <-chan T) {
	for range updates {
	}
}

func tellAddr(u netlink.AddrUpdate, tell func(Event)) {
	addr, ok := netip.AddrFromSlice(u.LinkAddress.IP)
	if !ok || u.LinkIndex == loopback {
		return
	}
	bits, _ := u.LinkAddress.Mask.Size()
	e := Event{Kind: AddrRemoved, Addr: addr.Unmap(), Bits: bits, Index: u.LinkIndex}
	if u.NewAddr {
		e.Kind = AddrAdded
	}
	tell(e)
}

func tellLink(u netlink.LinkUpdate, tell func(Event)) {
	a := u.Attrs()
	if a.Index == loopback {
		return
	}
	e := Event{Kind: LinkChanged, Index: a.Index, Link: link(a)}
	if u.Header.Type == unix.RTM_DELLINK {
		e = Event{Kind: LinkRemoved, Index: a.Index}
	}
	tell(e)
}
