package vip

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// Claim is somebody's word on a segment that an address is at a hardware address: an ARP packet's sender, a neighbour
// advertisement's target.
type Claim struct {
	Addr  netip.Addr
	MAC   net.HardwareAddr
	Index int // of the link on which it was heard
}

// Conflict is what was heard of somebody else who claims an address while it is held here.
type Conflict struct {
	Count uint64           // claims in this holding
	MAC   net.HardwareAddr // whose the last was
	At    time.Time        // when
}

const (
	// defendEvery is how long after an announcement in defence the next may follow (RFC 5227 section 2.4 has hosts defend
	// ever after only if they must; a virtual address's holder must).
	defendEvery = Instant(time.Second)
	// complainEvery is how often the log says that a conflict lasts.
	complainEvery = Instant(time.Minute)
)

// Listen hears who else claims what is held, until ctx ends; then it returns nil. Such a claim is counted and, if the lease
// still stands, answered by announcing again: neighbours believe who spoke last. There must be one Listen at a time.
func (k *Keeper) Listen(ctx context.Context) error {
	wait, said := resubscribe, false
	for {
		began := time.Now()
		err := k.edge.Claims(ctx, k.heard)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > time.Minute {
			wait, said = resubscribe, false
		}
		if !said {
			k.log.Warn("cannot hear who else claims an address, trying again", "err", err)
			said = true
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		wait = min(2*wait, resubscribeLongest)
	}
}

// heard takes one claim. It does not block. The first of a holding rings whoever watches.
func (k *Keeper) heard(c Claim) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.macs[c.MAC.String()] {
		return // our own, that the segment brought back
	}
	for _, e := range k.entries {
		now := k.clock()
		if e.addr != c.Addr || e.index != c.Index || e.phase != there || k.ended(e, now) {
			continue
		}
		first := e.conflict.Count == 0
		e.conflict = Conflict{Count: e.conflict.Count + 1, MAC: c.MAC, At: time.Now()}
		if first || now-e.complained >= complainEvery {
			e.complained = now
			k.say(slog.LevelWarn, "somebody else claims the address", e, "mac", c.MAC.String(), "times", e.conflict.Count)
			if k.ring != nil {
				k.ring()
			}
		}
		if first || now-e.defended >= defendEvery {
			e.defended = now
			k.announcer.startLocked(e, e.epoch)
		}
	}
}
